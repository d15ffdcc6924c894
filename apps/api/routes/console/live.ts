/**
 * What the console shows without asking again: the pools, once a second, as server-sent events. One sampler per node serves
 * all who listen; it goes on for some minutes after the last one left, so that a page that is loaded again has its
 * past. Nothing is sampled when nobody looks.
 *
 * Sampling must not weigh on a cluster in trouble: the next sample waits for at least four times what the last one took.
 */
import { countDead, outboxBacklog, type PoolsView } from "../../../../bus/index.ts";
import { listAlerts } from "../../../../platform/alerts/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { problemOf } from "../../http/problem.ts";
import type { SseEvent } from "../../http/sse.ts";

const EVERY_MS = 1_000;
const LINGER_MS = 300_000;
/** Five minutes at one a second. */
const HISTORY = 300;
const MOST_ALERTS = 100;

type Status = {
  outbox: Awaited<ReturnType<typeof outboxBacklog>>;
  dead: number;
  /** Firing ones, {@link MOST_ALERTS} at most. */
  alerts: number;
};
/** As `GET /ops/pools`, and what stands beside it. */
export type Snapshot = PoolsView & { at: number; status: Status };
/** A part of the cluster does not answer; the next sample comes all the same. */
type Away = { at: number; code: string; detail: string };
type Sample = { event: "pools"; data: Snapshot } | { event: "away"; data: Away };

/** One pool at one moment, for charts. */
export type Point = {
  at: number;
  pools: Record<
    string,
    {
      waiting: number;
      running: number;
      perSecond: number;
      p95Ms: number | null;
      oldestMs: number | null;
      processes: number;
    }
  >;
};

const greatest = (values: (number | null)[]) =>
  values.reduce((most, one) => (one === null || (most !== null && most >= one) ? most : one), null);
const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);

export function pointOf({ at, pools }: Snapshot): Point {
  const entries = pools.map(({ priority, kinds, processes }) => [
    priority,
    {
      waiting: sum(kinds.map(one => one.waiting)),
      running: sum(kinds.map(one => one.running)),
      perSecond: sum(kinds.map(one => one.perSecond)),
      p95Ms: greatest(kinds.map(one => one.p95Ms)),
      oldestMs: greatest(kinds.map(one => one.oldestMs)),
      processes: processes.filter(one => !one.draining).length,
    },
  ]);
  return { at, pools: Object.fromEntries(entries) };
}

export type Live = {
  /** `history` (the points so far), then `pools` or `away` with each sample, until `signal` is aborted. */
  listen(signal: AbortSignal): AsyncGenerator<SseEvent, void>;
};

export function createLive({ bus, sql, log }: ApiDeps): Live {
  const history: Point[] = [];
  const listeners = new Set<(sample: Sample) => void>();
  let latest: Sample | undefined;
  let running = false;
  let lastLeft = 0;

  async function sample(): Promise<Sample> {
    const at = Date.now();
    try {
      const [view, outbox, dead, firing] = await Promise.all([
        bus.viewPools(),
        outboxBacklog(sql),
        countDead(sql),
        listAlerts(sql, { state: "firing", limit: MOST_ALERTS }),
      ]);
      const data = { ...view, at, status: { outbox, dead, alerts: firing.items.length } };
      history.push(pointOf(data));
      if (history.length > HISTORY) history.shift();
      return { event: "pools", data };
    } catch (error) {
      const known = problemOf(error, new Request("http://localhost/console/events"));
      if (!known) log.error({ err: error }, "a sample of the pools failed");
      const { code, detail } = known ?? {
        code: "internal_error",
        detail: "Something went wrong; it is logged.",
      };
      return { event: "away", data: { at, code, detail } };
    }
  }

  async function run(): Promise<void> {
    if (running) return;
    running = true;
    while (listeners.size > 0 || Date.now() - lastLeft < LINGER_MS) {
      const began = performance.now();
      latest = await sample();
      for (const tell of listeners) tell(latest);
      await Bun.sleep(Math.max(EVERY_MS, 4 * (performance.now() - began)));
    }
    running = false;
    history.length = 0;
    latest = undefined;
  }

  return {
    async *listen(signal) {
      let wake = () => {};
      // A slow reader misses samples, it does not pile them up.
      let next: Sample | undefined = latest;
      const tell = (one: Sample) => {
        next = one;
        wake();
      };
      const stop = () => wake();
      listeners.add(tell);
      signal.addEventListener("abort", stop);
      void run();
      try {
        yield { event: "history", data: { points: history } };
        while (!signal.aborted) {
          if (next) {
            const one = next;
            next = undefined;
            yield one;
            continue;
          }
          await new Promise<void>(resolve => {
            wake = resolve;
          });
        }
      } finally {
        signal.removeEventListener("abort", stop);
        listeners.delete(tell);
        lastLeft = Date.now();
      }
    },
  };
}
