import { catalogRebuild, discard, done } from "../../bus/index.ts";
import { runRebuild } from "../../commerce/storefront/index.ts";
import { getStore } from "../../commerce/stores/index.ts";
import { defineJob } from "../handler.ts";

/** Makes the summaries of a store anew, from the checkpoint of the try before. */
export const catalogRebuildJob = defineJob(catalogRebuild, ({ sql }) => ({
  async run({ storeId, traceparent, payload }, { signal, progress }) {
    if (!(await getStore(sql, storeId))) return discard({ reason: "there is no such store" });
    const result = await runRebuild(sql, { storeId, traceparent }, payload.buildId, signal, (done, total) =>
      progress({ done, total, note: "products" }),
    );
    return result === "done" ? done() : discard({ reason: "there is no such rebuild" });
  },
}));
