import { done, fail, type JobOf, type Outcome, retry, searchRestock } from "../../bus/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { type IndexOutcome, openMeilisearch, restockProducts } from "../../search/index.ts";
import { defineJob, type JobContext } from "../handler.ts";

type RestockJob = JobOf<typeof searchRestock>;

/** A job ends as the worst of its products: lost ones are sent again with the rest, which changes nothing for those. */
function outcomeOf(job: RestockJob, outcomes: ReadonlyMap<string, IndexOutcome>): Outcome {
  const ended = job.payload.productIds.map(id => outcomes.get(id)!);
  const lost = ended.find(one => one.type === "lost");
  if (lost) return retry({ error: lost.error });
  const refused = ended.find(one => one.type === "refused");
  return refused ? fail({ error: `the search engine refuses a document: ${refused.error}` }) : done();
}

/** Brings the stock that search shows up to date, store by store; products that several jobs name are one. */
export const searchRestockJob = defineJob(searchRestock, ({ config, sql, log }) => {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  const deps = { sql, engine, products: searchSources };

  function runStore(storeId: string, jobs: readonly RestockJob[], { delivery, signal }: JobContext) {
    const again = jobs.filter(job => job.attempt > 1 || delivery > 1);
    const doubtful = again.flatMap(job => job.payload.productIds);
    const productIds = jobs.flatMap(job => job.payload.productIds);
    return restockProducts(deps, storeId, productIds, { doubtful, signal });
  }

  return {
    async runBatch(jobs, context) {
      const ended = new Map<RestockJob, Outcome>();
      for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
        try {
          const outcomes = await runStore(storeId, group, context);
          for (const job of group) ended.set(job, outcomeOf(job, outcomes));
        } catch (error) {
          // One store's trouble is not the others': its jobs are tried again, theirs are done.
          log.warn({ err: error, storeId, jobs: group.length }, "stock not indexed");
          const { name, message } = error as Error;
          for (const job of group) ended.set(job, retry({ error: `${name}: ${message}` }));
        }
      }
      return jobs.map(job => ended.get(job)!);
    },
  };
});
