/**
 * Gives the stock of a lapsed reservation back, exactly once; one that is alive or settled is left alone. The checkout that
 * made it, if it is still pending, is ended by the recovery of checkouts.
 */
import { discard, done, stockRelease } from "../../bus/index.ts";
import { releaseLapsed } from "../../commerce/inventory/index.ts";
import { defineJob } from "../handler.ts";

export const stockReleaseJob = defineJob(stockRelease, ({ sql }) => ({
  async run({ storeId, payload, traceparent }) {
    const result = await releaseLapsed(sql, { storeId, traceparent }, payload.reservationId);
    if (result === "alive") return discard({ reason: "the reservation has not lapsed" });
    if (result === "unknown") return discard({ reason: "there is no such reservation" });
    return done();
  },
}));
