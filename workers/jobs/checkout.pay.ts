/** Pays and places an order that got its stock from a queue. What was settled before is found so, and left alone. */
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
      const paid = await payAllocated(deps, storeId, payload.orderId);
      return paid === "unanswered"
        ? away({ error: "the payment provider did not answer", afterMs: 2_000 })
        : done();
    },
  };
});
