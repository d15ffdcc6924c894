/**
 * Pays and places orders that got their stock from a queue, side by side. What was settled before is found so, and left
 * alone: a retry for those that were not answered does nothing to the others.
 */
import { away, checkoutPay, done } from "../../bus/index.ts";
import { openGroups, payAllocated } from "../../commerce/checkout/index.ts";
import { openProviders } from "../../commerce/payments/index.ts";
import { defineJob } from "../handler.ts";

export const checkoutPayJob = defineJob(checkoutPay, ({ sql, log, config }) => {
  const deps = {
    sql,
    log,
    providers: openProviders(sql, config),
    groups: openGroups(sql, { max: config.checkoutGroup }),
    holdMs: config.reservationSeconds * 1_000,
  };
  return {
    async run({ storeId, payload }) {
      const paid = await Promise.allSettled(payload.orderIds.map(id => payAllocated(deps, storeId, id)));
      const failed = paid.find(one => one.status === "rejected");
      if (failed) throw failed.reason;
      return paid.some(one => one.status === "fulfilled" && one.value === "unanswered")
        ? away({ error: "the payment provider did not answer", afterMs: 2_000 })
        : done();
    },
  };
});
