/**
 * A pool process: one runner per kind of its priority, one gate and one settler for all of them, a heartbeat to the
 * registry each second.
 *
 * Drain: no further pulls → what has not started goes back → running jobs get `patienceMs` → what still runs is aborted
 * and given back, without counting as a try → outcomes settle → the process leaves the registry. A kill -9 at any
 * moment loses nothing: unacknowledged messages come back after the ack wait.
 */
import { hostname } from "node:os";
import {
  BEAT_MS,
  type Bus,
  createSettler,
  followCancellations,
  HEARTBEAT_MS,
  type Priority,
  type Rate,
  workerId,
} from "../bus/index.ts";
import { required } from "../platform/config.ts";
import { coreMeter } from "../platform/cores.ts";
import { noTracer } from "../platform/tracing/index.ts";
import { Downstreams, probesOf } from "./downstreams/index.ts";
import { Gate } from "./gate.ts";
import type { JobDefinition, WorkerDeps } from "./handler.ts";
import { openMachineSlots } from "./machine-slots.ts";
import { residentMb } from "./memory.ts";
import { createPoolMetrics } from "./pool-metrics.ts";
import { Runner } from "./runner.ts";

export type Pool = {
  readonly worker: string;
  /** Messages that this process holds; 0 when it is idle. */
  readonly held: number;
  /** A second call makes a drain that is under way less patient. */
  drain(patienceMs: number): Promise<void>;
};

const DRAIN_POLL_MS = 20;
/** How late a time-out may come. One timer serves all jobs. */
const DEADLINE_CHECK_MS = 100;
/** How long aborted handlers get to notice. */
const ABORT_GRACE_MS = 1_000;

/** Starts to work. `deps.sql` and the bus stay open after the drain; their owner closes them. */
export async function startPool(
  deps: WorkerDeps & { bus: Bus; priority: Priority; jobs: readonly JobDefinition[] },
): Promise<Pool> {
  const { bus, sql, log, priority } = deps;
  await bus.ready;
  await bus.progress.prepare();
  const host = hostname();
  const worker = workerId(host);
  const since = new Date().toISOString();
  const runners: Runner[] = [];
  const gate = new Gate(() => {
    for (const runner of runners) runner.pump();
  });
  const settler = createSettler({ connection: bus.connection, sql, log, worker });
  const slots = openMachineSlots(required(deps.config, "databaseUrl"));
  const metrics = createPoolMetrics(deps.metrics);
  const cancellations = await followCancellations({
    connection: bus.connection,
    sql,
    log,
    onCancel(id, reason) {
      for (const runner of runners) runner.cancel(id, reason);
    },
  });
  const mine = deps.jobs.filter(job => job.contract.priority === priority);
  const handlers = mine.map(job => job.make(deps));
  const downstreams = new Downstreams({
    probes: { ...probesOf(deps.config), postgres: async () => void (await deps.sql`SELECT 1`) },
    log,
    onChange(name) {
      for (const runner of runners) if (runner.contract.needs === name) steer(runner);
    },
  });
  const runnerDeps = {
    bus,
    sql,
    log,
    gate,
    settler,
    slots,
    metrics,
    tracer: deps.tracer ?? noTracer,
    worker,
    cancellations,
    downstreams,
  };
  runners.push(...mine.map((job, i) => new Runner(job.contract, handlers[i]!, runnerDeps)));

  const cores = coreMeter();
  let draining: Promise<void> | undefined;
  async function beat(): Promise<void> {
    const kinds = Object.fromEntries(
      runners.map(runner => [
        runner.contract.kind,
        { ...runner.rates.summary(), running: runner.running, held: runner.held },
      ]),
    );
    await bus.registry.beat({
      worker,
      host,
      pid: process.pid,
      priority,
      busy: gate.inside,
      rssMb: residentMb(),
      cores: cores(),
      since,
      draining: draining !== undefined,
      away: downstreams.away,
      kinds,
    });
  }
  await beat();
  const beats = setInterval(() => beat().catch(error => log.warn({ err: error }, "no heartbeat")), BEAT_MS);
  const heartbeats = setInterval(() => {
    for (const runner of runners) runner.beat();
  }, HEARTBEAT_MS);
  const deadlines = setInterval(() => {
    for (const runner of runners) runner.checkDeadlines();
  }, DEADLINE_CHECK_MS);

  const rates = new Map<Runner, Rate | null>(runners.map(runner => [runner, null]));
  const unwatch = bus.kinds.watch((contract, state) => {
    const runner = runners.find(one => one.contract.kind === contract.kind);
    if (!runner || draining) return;
    if (!Bun.deepEquals(rates.get(runner), state.rate)) {
      rates.set(runner, state.rate);
      void runner.setRate(state.rate);
    }
    steer(runner);
  });

  /** Starts or stops a kind in this process as things stand. */
  function steer(runner: Runner): void {
    if (draining) return;
    if (bus.kinds.state(runner.contract).paused) void runner.stop();
    else if (downstreams.isAway(runner.contract.needs)) void runner.rest();
    else runner.start();
  }

  const held = () => runners.reduce((sum, runner) => sum + runner.held, 0);
  let drainedByMs = Number.POSITIVE_INFINITY;
  async function idle(): Promise<boolean> {
    while (held() > 0 && Date.now() < drainedByMs) await Bun.sleep(DRAIN_POLL_MS);
    return held() === 0;
  }
  async function leave(): Promise<void> {
    unwatch();
    downstreams.close();
    await Promise.all(runners.map(runner => runner.stop()));
    if (!(await idle())) {
      for (const runner of runners) runner.abort();
      drainedByMs = Date.now() + ABORT_GRACE_MS;
      await idle();
    }
    await settler.close(ABORT_GRACE_MS);
    clearInterval(beats);
    clearInterval(heartbeats);
    clearInterval(deadlines);
    await bus.registry.leave(worker).catch(() => {});
    cancellations.stop();
    await slots.close();
    await Promise.all(handlers.map(handler => handler.close?.()));
  }

  return {
    worker,
    get held() {
      return held();
    },
    drain(patienceMs) {
      drainedByMs = Math.min(drainedByMs, Date.now() + patienceMs);
      draining ??= leave();
      return draining;
    },
  };
}
