/** Graphile Worker with its local queue and batched completion, which is its fastest; jobs are rows in the bench's Postgres. */
import { run } from "graphile-worker";
import postgres from "postgres";
import { counter, tell, versionOf } from "./peer.ts";

const [url = "", total = "0"] = process.argv.slice(2);
const count = Number(total);
const counted = counter(count);
const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
const { Logger, runMigrations } = await import("graphile-worker");
const logger = new Logger(() => (level, message) => {
  if (level === "error") quiet.error(message);
});
const schema = "graphile_bench";
await runMigrations({ connectionString: url, schema, logger });
const sql = postgres(url, { max: 2 });
await sql`
  SELECT count(*) FROM graphile_bench.add_jobs(ARRAY(
    SELECT ('noop', '{}', NULL, NULL, NULL, NULL, NULL, NULL)::graphile_bench.job_spec FROM generate_series(1, ${count})))`;
await sql`VACUUM ANALYZE graphile_bench._private_jobs`;

const runner = await run({
  connectionString: url,
  schema,
  logger,
  maxPoolSize: 10,
  noHandleSignals: true,
  taskList: { noop: async () => counted.one() },
  preset: {
    worker: {
      schema,
      concurrentJobs: 50,
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      localQueue: { size: 1_000 },
    },
  },
});
const ran = await counted.done;
// Its workers don't wait for the batches that complete their jobs: a job is done when its row is gone.
const ranAt = performance.now();
while ((await sql`SELECT 1 FROM graphile_bench._private_jobs LIMIT 1`).length > 0) await Bun.sleep(5);
const seconds = ran + (performance.now() - ranAt) / 1_000;
await runner.stop();
const [left] = await sql`SELECT count(*)::int AS count FROM graphile_bench._private_jobs`;
if (left!.count > 0) throw new Error(`${left!.count} jobs left over`);
await sql`DROP SCHEMA graphile_bench CASCADE`;
tell({ version: await versionOf("graphile-worker"), done: count, seconds });
