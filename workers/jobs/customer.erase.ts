import { customerErase, discard, done } from "../../bus/index.ts";
import { runErasure } from "../../commerce/erasure/index.ts";
import { defineJob } from "../handler.ts";

/** Forgets a person; commerce/erasure tells how. */
export const customerEraseJob = defineJob(customerErase, ({ sql }) => ({
  async run({ storeId, payload }, { signal }) {
    const result = await runErasure(sql, storeId, payload.erasureId, signal);
    return result === "gone" ? discard({ reason: "there is no such erasure" }) : done();
  },
}));
