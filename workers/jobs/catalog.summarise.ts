import { catalogSummarise, discard, done, type JobOf, type Outcome, retry } from "../../bus/index.ts";
import { summarise } from "../../commerce/storefront/index.ts";
import { getStore } from "../../commerce/stores/index.ts";
import { defineJob } from "../handler.ts";

type SummariseJob = JobOf<typeof catalogSummarise>;

/** Brings the summaries of a batch's products up to date, store by store; jobs of one product are one. */
export const catalogSummariseJob = defineJob(catalogSummarise, ({ sql, log }) => {
  async function runStore(storeId: string, jobs: readonly SummariseJob[]): Promise<Outcome> {
    if (!(await getStore(sql, storeId))) return discard({ reason: "there is no such store" });
    const { traceparent } = jobs[0]!;
    const productIds = jobs.map(job => job.payload.productId);
    await summarise(sql, { storeId, traceparent }, productIds);
    return done();
  }

  return {
    async runBatch(jobs) {
      const outcomes = new Map<string, Outcome>();
      for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
        // One store's trouble is not the others': its jobs are tried again, theirs are done.
        const outcome = await runStore(storeId, group).catch((error: Error) => {
          log.warn({ err: error, storeId, jobs: group.length }, "summarising failed");
          return retry({ error: `${error.name}: ${error.message}` });
        });
        outcomes.set(storeId, outcome);
      }
      return jobs.map(job => outcomes.get(job.storeId)!);
    },
  };
});
