/**
 * Turns the reservation of a placed order into a sale, exactly once: the commit is conditional on the reservation being
 * held, so a redelivery or a second run at the same time finds it settled.
 */
import { discard, done, stockCommit } from "../../bus/index.ts";
import { commitReservation } from "../../commerce/inventory/index.ts";
import { factsOf } from "../../commerce/orders/index.ts";
import { defineJob } from "../handler.ts";

export const stockCommitJob = defineJob(stockCommit, ({ sql }) => ({
  async run({ storeId, payload, traceparent }) {
    const order = await factsOf(sql, storeId, payload.orderId);
    if (!order) return discard({ reason: "there is no such order" });
    const result = await commitReservation(sql, { storeId, traceparent }, order.reservationId);
    // `order.placed` commits together with the order, so a real job never comes before it.
    if (result === "pending") return discard({ reason: `the order is ${order.status}` });
    if (result === "unknown") return discard({ reason: "the order has no reservation" });
    return done();
  },
}));
