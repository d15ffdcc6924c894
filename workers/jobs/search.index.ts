import { discard, done, fail, type JobOf, type Outcome, retry, searchIndex } from "../../bus/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { getStore } from "../../commerce/stores/index.ts";
import { type IndexOutcome, indexProducts, openMeilisearch } from "../../search/index.ts";
import { defineJob, type JobContext, type WorkerDeps } from "../handler.ts";

type IndexJob = JobOf<typeof searchIndex>;

function outcomeOf(outcome: IndexOutcome): Outcome {
  if (outcome.type === "indexed") return done();
  if (outcome.type === "lost") return retry({ error: outcome.error });
  return fail({ error: `the search engine refuses the document: ${outcome.error}` });
}

/** Brings search up to date with the products of a batch, store by store; jobs of one product are one. */
export const searchIndexJob = defineJob(searchIndex, ({ config, sql, log }: WorkerDeps) => {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  const deps = { sql, engine, products: searchSources };

  async function runStore(storeId: string, jobs: IndexJob[], context: JobContext): Promise<Outcome[]> {
    if (!(await getStore(sql, storeId))) return jobs.map(() => discard({ reason: "there is no such store" }));
    const doubtful = jobs.filter(job => job.attempt > 1 || context.delivery > 1).map(productOf);
    const options = { doubtful, signal: context.signal };
    const outcomes = await indexProducts(deps, storeId, jobs.map(productOf), options);
    return jobs.map(job => outcomeOf(outcomes.get(productOf(job))!));
  }

  return {
    async runBatch(jobs, context) {
      const outcomes = new Map<IndexJob, Outcome>();
      for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) {
        // One store's trouble is not the others': its jobs are tried again, theirs are done.
        const ended = await runStore(storeId, group, context).catch((error: Error) => {
          log.warn({ err: error, storeId, jobs: group.length }, "indexing failed");
          return group.map(() => retry({ error: `${error.name}: ${error.message}` }));
        });
        for (const [index, job] of group.entries()) outcomes.set(job, ended[index]!);
      }
      return jobs.map(job => outcomes.get(job)!);
    },
  };
});

function productOf(job: IndexJob): string {
  return job.payload.productId;
}
