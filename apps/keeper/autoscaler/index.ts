/**
 * The autoscaler: each second the keeper that leads looks at what waits and what gets done, decides how many processes
 * each pool has in the cluster, and writes each host's share to JetStream, where supervisors follow it. An operator's
 * wish is followed at once.
 *
 * Every keeper runs this; one leads (bus/leader.ts). A crash of the leader leaves the last plan in force; the next one
 * goes on from its totals and shrinks nothing before a whole cool-down. While NATS, Postgres or all hosts are out of
 * sight nothing is decided.
 */
import {
  type Bus,
  type Leadership,
  openLeadership,
  PlanRefused,
  type PoolPlan,
  priorities,
} from "../../../bus/index.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Log } from "../../../platform/log.ts";
import { decide, type Memory, remember } from "./plan.ts";
import type { Policy } from "./policy.ts";
import { reservedForSale } from "./sale.ts";

export { type Policy, policyOf } from "./policy.ts";

const TICK_MS = 1_000;
/** How old the reasons that people see may be. */
const REFRESH_MS = 5_000;

export type AutoscalerOptions = {
  bus: Bus;
  databaseUrl: string;
  policy: Policy;
  log: Log;
  clock: Clock;
  /** The name of this process. */
  name: string;
};

export function startAutoscaler(options: AutoscalerOptions): { stop(): Promise<void> } {
  const { bus, log, name, databaseUrl } = options;
  const leadership = openLeadership({ databaseUrl, name: "autoscaler", holder: name });
  const decideOnce = decider(options, leadership);
  let stopped = false;
  let wake = () => {};
  let isAsked = false;
  let isFailing = false;
  const ask = () => {
    isAsked = true;
    wake();
  };

  async function loop(): Promise<void> {
    await bus.ready;
    let unwatch: (() => void) | undefined;
    while (!stopped) {
      isAsked = false;
      try {
        unwatch ??= await bus.targets.watch({ onWish: ask });
        await decideOnce();
        isFailing = false;
      } catch (error) {
        if (!isFailing) log.warn({ err: error }, "nothing can be decided about the pools");
        isFailing = true;
      }
      if (!stopped && !isAsked) await nap(resume => (wake = resume));
    }
    unwatch?.();
  }
  const running = loop().catch(error => log.error({ err: error }, "the autoscaler does not run"));
  return {
    async stop() {
      stopped = true;
      ask();
      // Before the first connection to NATS there is nothing to wait for.
      await Promise.race([running, bus.isConnected ? running : undefined]);
      await leadership.close();
    },
  };
}

function nap(onSleep: (resume: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, TICK_MS);
    onSleep(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function decider({ bus, policy, log, clock, name }: AutoscalerOptions, leadership: Leadership) {
  let memory: Memory | null = null;
  let ledIn: number | null = null;

  return async () => {
    const epoch = await leadership.epoch();
    if (epoch !== ledIn) {
      memory = null;
      ledIn = epoch;
      if (epoch !== null) log.info({ epoch }, "this keeper decides about the pools");
    }
    if (epoch === null) return;
    const hosts = await bus.hosts.live();
    if (!hosts?.length) return;
    const [wishes, loads, before] = await Promise.all([
      bus.targets.wishes(),
      bus.measureLoad(),
      bus.targets.plan(),
    ]);
    const nowMs = clock.now().getTime();
    memory ??= remember(before, hosts, nowMs);
    const reserved = reservedForSale(wishes, bus.isSale, hosts);
    const situation = { policy, hosts, wishes: reserved, loads, nowMs };
    const decided = decide(situation, memory, before, { epoch, leader: name });
    try {
      if (isNews(before, decided.plan)) {
        await bus.targets.setPlan(decided.plan);
        report(log, before, decided.plan);
      }
      memory = decided.memory;
    } catch (error) {
      if (!(error instanceof PlanRefused)) throw error;
      log.warn({ err: error, epoch }, "the plan of before counts");
      memory = null;
    }
  };
}

function isNews(before: PoolPlan | null, now: PoolPlan): boolean {
  if (!before || before.epoch !== now.epoch) return true;
  if (Date.parse(now.at) - Date.parse(before.at) >= REFRESH_MS) return true;
  const what = ({ hosts, pools }: PoolPlan) =>
    JSON.stringify([hosts, priorities.map(priority => ({ ...pools[priority], reason: "" }))]);
  return what(before) !== what(now);
}

function report(log: Log, before: PoolPlan | null, now: PoolPlan): void {
  for (const { at, priority, from, to, reason } of now.decisions) {
    if (at === now.at) log.info({ pool: priority, from, to, reason }, "pool target");
  }
  const [had, has] = [Object.keys(before?.hosts ?? {}), Object.keys(now.hosts)];
  const gone = had.filter(id => !has.includes(id));
  const come = has.filter(id => !had.includes(id));
  if (gone.length + come.length > 0) log.info({ gone, come }, "hosts of the pools changed");
}
