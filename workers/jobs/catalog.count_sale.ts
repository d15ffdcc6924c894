/**
 * Counts what orders sold towards the popularity of products. Each order is noted in the transaction that counts it, so a
 * redelivery, or a second run at the same time, adds nothing.
 */
import { catalogCountSale, discard, done, type Outcome, retry } from "../../bus/index.ts";
import { countSales, isTooOld } from "../../commerce/storefront/index.ts";
import { defineJob } from "../handler.ts";

export const catalogCountSaleJob = defineJob(catalogCountSale, ({ sql, clock, log }) => ({
  async runBatch(jobs) {
    const outcomes = new Map<string, Outcome>();
    const old = (orderId: string) => isTooOld(orderId, clock.now());
    for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
      const orderIds = group.map(job => job.payload.orderId).filter(id => !old(id));
      const outcome = await countSales(sql, storeId, orderIds).then(done, (error: Error) => {
        log.warn({ err: error, storeId, jobs: group.length }, "sales not counted");
        return retry({ error: `${error.name}: ${error.message}` });
      });
      outcomes.set(storeId, outcome);
    }
    return jobs.map(job =>
      old(job.payload.orderId) ? discard({ reason: "the order is too old" }) : outcomes.get(job.storeId)!,
    );
  },
}));
