/**
 * What one process gets done, and how much comes in, per kind of job: estimated from what is measured each second.
 *
 * While jobs of a kind have waited for as long as the rates look back, the processes did all they could: what ended then,
 * divided by them, is the service rate, whatever held it up (the processor, the database, other kinds). Before that it
 * follows from how long a job takes and how many a process runs at once.
 */
import type { KindLoad } from "../../../bus/index.ts";

/** What is remembered of a kind between two looks. */
export type KindMemory = {
  /** Since when jobs have waited for {@link WAITS_MS} at any time; null: none does. */
  readonly waitingSinceMs: number | null;
  /** Jobs per second and process, as last measured or reckoned; null: nothing is known. */
  readonly rate: number | null;
  /** New jobs per second, smoothed. */
  readonly arrivals: number;
  readonly backlog: number;
  readonly atMs: number;
};

/** The rates of the heartbeats look back this far (bus/rates.ts). */
const RATE_WINDOW_MS = 10_000;
/** What is on its way to a process that has room for it does not wait. */
const WAITS_MS = 1_000;
const ARRIVALS_SMOOTHED_OVER_MS = 10_000;
const NEW_RATE_WEIGHT = 0.3;
/** What is assumed of jobs none of which has ended yet. */
const ASSUMED_JOB_MS = 1_000;
/** Jobs that seem to take no time take this. */
const LEAST_JOB_MS = 0.1;

export function observe(
  load: KindLoad,
  processes: number,
  before: KindMemory | undefined,
  nowMs: number,
): KindMemory {
  const isShort = load.waiting > 0 && (load.oldestMs ?? 0) >= WAITS_MS;
  const waitingSinceMs = isShort ? (before?.waitingSinceMs ?? nowMs) : null;
  return {
    waitingSinceMs,
    rate: rateOf(load, processes, before?.rate ?? null, waitingSinceMs, nowMs),
    arrivals: arrivalsOf(load, before, nowMs),
    backlog: load.waiting + load.running,
    atMs: nowMs,
  };
}

function rateOf(
  load: KindLoad,
  processes: number,
  before: number | null,
  waitingSinceMs: number | null,
  nowMs: number,
): number | null {
  const isBusy = waitingSinceMs !== null && nowMs - waitingSinceMs >= RATE_WINDOW_MS;
  if (isBusy && processes > 0 && load.perSecond > 0) {
    const measured = load.perSecond / processes;
    return before === null ? measured : before + (measured - before) * NEW_RATE_WEIGHT;
  }
  if (before !== null && isBusy) return before;
  return load.meanMs === null ? before : perProcess(load, load.meanMs);
}

function perProcess({ contract }: KindLoad, jobMs: number): number {
  const atOnce = contract.concurrency * (contract.batch?.max ?? 1);
  return (atOnce * 1_000) / Math.max(jobMs, LEAST_JOB_MS);
}

/** What ended, and what was added to the backlog. */
function arrivalsOf(load: KindLoad, before: KindMemory | undefined, nowMs: number): number {
  if (!before) return load.perSecond;
  const seconds = Math.max(0.001, (nowMs - before.atMs) / 1_000);
  const now = Math.max(0, load.perSecond + (load.waiting + load.running - before.backlog) / seconds);
  const weight = 1 - Math.exp((-seconds * 1_000) / ARRIVALS_SMOOTHED_OVER_MS);
  return before.arrivals + (now - before.arrivals) * weight;
}

export function rateOrGuess(load: KindLoad, memory: KindMemory): number {
  return memory.rate ?? perProcess(load, ASSUMED_JOB_MS);
}

/** Jobs per second of a process that nothing holds up. */
export function unhindered(load: KindLoad): number {
  return perProcess(load, load.meanMs ?? ASSUMED_JOB_MS);
}
