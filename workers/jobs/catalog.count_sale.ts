/**
 * Counts what orders sold towards the popularity of products. Each order is noted in the transaction that counts it, so a
 * redelivery, or a second run at the same time, adds nothing.
 */
import { catalogCountSale, discard, done, type Outcome, retry } from "../../bus/index.ts";
import { countSales, isTooOld } from "../../commerce/storefront/index.ts";
import { defineJob } from "../handler.ts";

export const catalogCountSaleJob = defineJob(catalogCountSale, ({ sql, clock, log }) => ({
  async runBatch(jobs) {
    const now = clock.now();
    const young = new Map(
      jobs.map(job => [job, job.payload.orderIds.filter(orderId => !isTooOld(orderId, now))]),
    );
    const outcomes = new Map<string, Outcome>();
    for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
      const orderIds = group.flatMap(job => young.get(job)!);
      const outcome = await countSales(sql, storeId, orderIds).then(done, (error: Error) => {
        log.warn({ err: error, storeId, jobs: group.length }, "sales not counted");
        return retry({ error: `${error.name}: ${error.message}` });
      });
      outcomes.set(storeId, outcome);
    }
    return jobs.map(job =>
      young.get(job)!.length === 0
        ? discard({ reason: "the orders are too old" })
        : outcomes.get(job.storeId)!,
    );
  },
}));
