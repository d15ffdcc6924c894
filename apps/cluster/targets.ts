/**
 * How many processes each pool has on this host: its share of the plan that the leading keeper writes (bus/pool-targets.ts),
 * and nobody else's. Until a plan names this host, the configuration counts. While NATS is away the last share does.
 *
 * The supervisor tells of itself every two seconds. When it leaves it says so, and its share goes to others at once;
 * when it is killed they get it after some seconds, unless it is back by then.
 */
import { createHash } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import { HOST_BEAT_MS, type Host, openBus, type PoolPlan } from "../../bus/index.ts";
import type { Config } from "../../platform/config.ts";
import { type Log, silentLog } from "../../platform/log.ts";
import { connect } from "../../platform/postgres/index.ts";
import type { StackFile } from "./home.ts";
import { type Pools, type Priority, poolPriorities } from "./pools.ts";

/** Starts the pools. Returns the way to stop obeying. */
export async function obeyTargets(options: {
  config: Config;
  log: Log;
  stack: StackFile;
  pools: Pools;
  /** How many run already: as many as the plan said last. */
  running: (priority: Priority) => number;
}): Promise<() => Promise<void>> {
  const { config, log, stack, pools, running } = options;
  const host = hostOf(config, stack.home);
  for (const priority of poolPriorities)
    pools.setProcesses(priority, Math.max(host.starts[priority], running(priority)));

  const sql = connect(stack.databaseUrl, { max: 1, application: "supervisor" });
  const bus = openBus({
    url: stack.natsUrl,
    name: "supervisor",
    log: silentLog,
    sql,
    replicas: config.natsReplicas,
  });
  const obey = (plan: PoolPlan) => {
    const shares = plan.hosts[host.id]?.shares;
    if (!shares) return;
    for (const priority of poolPriorities) {
      if (pools.count(priority) === shares[priority]) continue;
      log.info({ pool: priority, from: pools.count(priority), to: shares[priority] }, "share of the pool");
      pools.setProcesses(priority, shares[priority]);
    }
  };
  let beats: Timer | undefined;
  let left = false;
  const opened = bus.ready.then(async () => {
    const beat = () =>
      bus.hosts.beat(host).catch(error => log.warn({ err: error }, "no heartbeat of the host"));
    await bus.targets.watch({ onPlan: obey });
    if (left) return;
    beats = setInterval(beat, HOST_BEAT_MS);
    await beat();
  });
  opened.catch(error => log.error({ error: (error as Error).message }, "pool targets can't be watched"));
  return async () => {
    left = true;
    clearInterval(beats);
    if (bus.isConnected) await bus.hosts.leave(host.id).catch(() => {});
    await bus.close();
    await sql.end({ timeout: 1 });
  };
}

/** The folder makes supervisors on one machine different; it stays the same over restarts. */
function hostOf(config: Config, home: string): Host {
  const name = hostname().replaceAll(/[^\w-]/g, "-");
  const folder = createHash("sha256").update(home).digest("hex").slice(0, 8);
  return {
    id: `${name}-${folder}`,
    name,
    cores: config.workerCores ?? availableParallelism(),
    starts: { high: config.highProcesses, normal: config.normalProcesses, low: config.lowProcesses },
  };
}
