import { expect, test } from "bun:test";
import { contracts } from "../../bus/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { connect } from "../../platform/postgres/index.ts";
import type { WorkerDeps } from "../handler.ts";
import { jobs, sources } from "./index.ts";

test("every kind has one handler", () => {
  expect(jobs.map(job => job.contract.kind).toSorted()).toEqual(contracts.map(one => one.kind).toSorted());
});

test("what is loaded for a kind is of that kind, and takes batches where the kind has them", async () => {
  const sql = connect("postgres://nobody@127.0.0.1:1/none", { max: 1, application: "test" });
  const log = createLog({ level: "silent", process: "test" });
  const metrics = createMetrics("test");
  const deps = { config: loadConfig({}), sql, log, clock: systemClock, metrics } as WorkerDeps;
  for (const { contract, load } of sources) {
    const job = await load();
    expect(job.contract).toBe(contract);
    const handler = job.make(deps);
    expect("runBatch" in handler).toBe(contract.batch !== undefined);
    await handler.close?.();
  }
  await sql.end({ timeout: 1 });
});
