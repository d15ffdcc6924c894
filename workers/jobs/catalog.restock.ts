import { catalogRestock, done, type Outcome, retry } from "../../bus/index.ts";
import { restock } from "../../commerce/storefront/index.ts";
import { defineJob } from "../handler.ts";

/** Brings the stock that lists show up to date, store by store; products that several jobs name are one. */
export const catalogRestockJob = defineJob(catalogRestock, ({ sql, log }) => ({
  async runBatch(jobs) {
    const outcomes = new Map<string, Outcome>();
    for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
      const { traceparent } = group[0]!;
      const productIds = group.flatMap(job => job.payload.productIds);
      // One store's trouble is not the others': its jobs are tried again, theirs are done.
      const outcome = await restock(sql, { storeId, traceparent }, productIds).then(done, (error: Error) => {
        log.warn({ err: error, storeId, jobs: group.length }, "stock not shown");
        return retry({ error: `${error.name}: ${error.message}` });
      });
      outcomes.set(storeId, outcome);
    }
    return jobs.map(job => outcomes.get(job.storeId)!);
  },
}));
