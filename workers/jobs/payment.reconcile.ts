/** A provider told us something of a payment: what waits for it is settled. Asks the provider, so repeating it is harmless. */
import { done, paymentReconcile, retry } from "../../bus/index.ts";
import { reconcilePayment } from "../../commerce/checkout/index.ts";
import { openProviders } from "../../commerce/payments/index.ts";
import { defineJob } from "../handler.ts";

export const paymentReconcileJob = defineJob(paymentReconcile, ({ sql, log, config }) => {
  const deps = {
    sql,
    log,
    providers: openProviders(sql, config),
    holdMs: config.reservationSeconds * 1_000,
  };
  return {
    async run({ storeId, payload }) {
      const result = await reconcilePayment(deps, storeId, payload.intentId);
      return result === "waiting" ? retry({ afterMs: 2_000 }) : done();
    },
  };
});
