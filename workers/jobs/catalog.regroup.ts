import { catalogRegroup, done } from "../../bus/index.ts";
import { regroup } from "../../commerce/storefront/index.ts";
import { defineJob } from "../handler.ts";

/** Has the products of a changed category or collection summarised; telling one twice changes nothing. */
export const catalogRegroupJob = defineJob(catalogRegroup, ({ sql }) => ({
  async run({ storeId, traceparent, payload }, { signal }) {
    await regroup(sql, { storeId, traceparent }, payload.groupId, signal);
    return done();
  },
}));
