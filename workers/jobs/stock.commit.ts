/**
 * Turns the reservations of placed orders into sales, each exactly once: the commit is conditional on the reservation being
 * held, so a redelivery or a second run at the same time finds it settled. An order whose stock can't be committed holds none of
 * its neighbours up: theirs is, and the job is tried again for it alone, as all others are settled by then.
 */
import { discard, done, type JobOf, stockCommit } from "../../bus/index.ts";
import { commitReservation } from "../../commerce/inventory/index.ts";
import { factsOf } from "../../commerce/orders/index.ts";
import { defineJob, type WorkerDeps } from "../handler.ts";

/** Why there was nothing to commit; null: it is committed. What is asked at the same moment shares its statements. */
async function commit({ sql }: Pick<WorkerDeps, "sql">, job: JobOf<typeof stockCommit>, orderId: string) {
  const { storeId, traceparent } = job;
  const order = await factsOf(sql, storeId, orderId);
  if (!order) return "there is no such order";
  const result = await commitReservation(sql, { storeId, traceparent }, order.reservationId);
  // `order.placed` commits together with the order, so a real job never comes before it.
  if (result === "pending") return `the order is ${order.status}`;
  return result === "unknown" ? "the order has no reservation" : null;
}

export const stockCommitJob = defineJob(stockCommit, deps => ({
  async run(job) {
    const { orderIds } = job.payload;
    const committing = orderIds.map(orderId => commit(deps, job, orderId));
    await Promise.allSettled(committing);
    const faults = await Promise.all(committing);
    const unfit = faults.flatMap((fault, i) => (fault === null ? [] : [`${orderIds[i]}: ${fault}`]));
    return unfit.length > 0 ? discard({ reason: unfit.join("; ") }) : done();
  },
}));
