/**
 * How many processes a pool needs so that no waiting job grows older than the target, as a real number.
 *
 * For each kind: what comes in, divided by what a process gets done; and what waits, to be drained within what is left
 * of the target. The kinds of a pool run beside each other in each of its processes, so the neediest one counts: where
 * they get into each other's way, each one's measured rate shows it. More processes than a kind's cap and rate limit can keep
 * busy are of no use to it.
 */
import type { KindLoad } from "../../../bus/index.ts";
import { type KindMemory, rateOrGuess, unhindered } from "./service.ts";

export type Need = {
  readonly processes: number;
  /** The kind that needs them; null: nothing is to be done. */
  readonly kind: string | null;
  readonly reason: string;
};

/** The backlog is to be gone somewhat before the oldest job reaches the target… */
const DRAIN_SHARE = 0.8;
/** …but what is late already is not chased with the whole machine. */
const LEAST_DRAIN_SHARE = 0.2;
/** Processes that are always busy have no room for a burst. */
const UTILISATION = 0.9;
const NOTHING: Need = { processes: 0, kind: null, reason: "nothing waits" };

export type NeedOptions = {
  readonly targetAgeMs: number;
  /** Processes that the pool has. */
  readonly total: number;
  /** Cores of all hosts: kinds that are limited to them per machine need no more. */
  readonly cores: number;
};

export function needOf(
  loads: readonly KindLoad[],
  memories: ReadonlyMap<string, KindMemory>,
  options: NeedOptions,
): Need {
  const needs = loads.map(load => kindNeed(load, memories.get(load.contract.kind)!, options));
  return needs.reduce((most, one) => (one.processes > most.processes ? one : most), NOTHING);
}

function kindNeed(load: KindLoad, memory: KindMemory, { targetAgeMs, total, cores }: NeedOptions): Need {
  const rate = rateOrGuess(load, memory);
  const oldestMs = load.oldestMs ?? 0;
  const drainMs = Math.max(targetAgeMs * DRAIN_SHARE - oldestMs, targetAgeMs * LEAST_DRAIN_SHARE);
  const toDrain = load.waiting / rate / (drainMs / 1_000);
  const toKeepUp = memory.arrivals / rate / UTILISATION;
  const isLate = load.waiting > 0 && oldestMs > targetAgeMs;
  const wanted = Math.max(toDrain + toKeepUp, isLate ? total + 1 : 0);
  const processes = Math.min(wanted, useful(load, cores));
  return { processes, kind: load.contract.kind, reason: explain(load, rate, processes, targetAgeMs) };
}

/** Processes that this kind can keep busy at its cap and rate limit. */
function useful(load: KindLoad, cores: number): number {
  const { contract, cap, startsPerSecond } = load;
  const atOnce = contract.perMachine ? Math.min(cap, cores) : cap;
  const byCap = Math.ceil(atOnce / contract.concurrency);
  if (startsPerSecond === null) return byCap;
  return Math.min(byCap, Math.max(1, Math.ceil(startsPerSecond / unhindered(load))));
}

function explain(load: KindLoad, rate: number, processes: number, targetAgeMs: number): string {
  const perProcess = `${round(rate)}/s a process`;
  if (load.waiting === 0) return `${load.contract.kind} runs ${round(load.perSecond)}/s at ${perProcess}`;
  const oldest = `the oldest for ${round((load.oldestMs ?? 0) / 1_000)} s of ${targetAgeMs / 1_000}`;
  return `${load.waiting} ${load.contract.kind} wait, ${oldest}, at ${perProcess}: ${round(processes)} needed`;
}

function round(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}
