/**
 * How many processes each pool has on this host: what the bucket of pool targets says, else the configuration. The
 * configured number runs from the start; a target that stands in the bucket is obeyed as soon as NATS answers.
 */
import { openBus } from "../../bus/index.ts";
import type { Config } from "../../platform/config.ts";
import { type Log, silentLog } from "../../platform/log.ts";
import { connect } from "../../platform/postgres/index.ts";
import type { StackFile } from "./home.ts";
import { type Pools, poolPriorities } from "./pools.ts";

/** Beyond it a mistyped target would take the machine down. */
const MAX_PROCESSES = 256;

/** Starts the pools. Returns the way to stop obeying. */
export async function obeyTargets(options: {
  config: Config;
  log: Log;
  stack: StackFile;
  pools: Pools;
}): Promise<() => Promise<void>> {
  const { config, log, stack, pools } = options;
  const configured = { high: config.highProcesses, normal: config.normalProcesses, low: config.lowProcesses };
  for (const priority of poolPriorities) pools.setProcesses(priority, configured[priority]);

  const sql = connect(stack.databaseUrl, { max: 1, application: "supervisor" });
  const bus = openBus({
    url: stack.natsUrl,
    name: "supervisor",
    log: silentLog,
    sql,
    replicas: config.natsReplicas,
  });
  const opened = bus.ready.then(async () => {
    await bus.targets.watch((priority, processes) => {
      const wanted = Math.min(MAX_PROCESSES, Math.max(0, processes));
      log.info({ pool: priority, processes: wanted }, "pool target");
      pools.setProcesses(priority, wanted);
    });
  });
  opened.catch(error => log.error({ error: (error as Error).message }, "pool targets can't be watched"));
  return async () => {
    await bus.close();
    await sql.end({ timeout: 1 });
  };
}
