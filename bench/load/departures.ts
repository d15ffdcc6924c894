/**
 * When requests of an open loop are to leave, decided before the first one does: no answer, however late, moves a later
 * departure. And whose fault it is when one leaves late.
 */
import { Histogram } from "./histogram.ts";

export type Arrivals = "constant" | "poisson";

/** Offsets in milliseconds from the start, rising, below `seconds`. */
export function* departures(options: {
  perSecond: number;
  seconds: number;
  arrivals: Arrivals;
  seed: number;
}): Generator<number> {
  const { perSecond, arrivals, seed } = options;
  const endMs = options.seconds * 1_000;
  const gapMs = 1_000 / perSecond;
  const random = randomFrom(seed);
  if (arrivals === "constant") {
    // Multiplied and not added up: a million steps keep the rate.
    for (let i = 0; i * gapMs < endMs; i++) yield i * gapMs;
    return;
  }
  // Gaps of a Poisson process are exponential.
  for (let atMs = gapMs * exponential(random); atMs < endMs; atMs += gapMs * exponential(random)) yield atMs;
}

const exponential = (random: () => number) => -Math.log(1 - random());

/** Mulberry32: the same seed gives the same run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A departure that leaves later than this is late. */
const LATE_MS = 5;
/** More late departures than this share, and the run says more of the generator than of the server. */
const TOLERATED = 0.01;

export type Lateness = { lateShare: number; p99Ms: number; maxMs: number; behind: boolean };

/**
 * Lateness of departures that found a free connection: those the generator itself has to answer for. What waits
 * because every connection waits for an answer is the server's, and in its latency.
 */
export class Punctuality {
  readonly #lags = new Histogram();
  #late = 0;
  #count = 0;

  left(lagMs: number, connectionWasFree: boolean): void {
    this.#count++;
    if (!connectionWasFree) return;
    this.#lags.record(lagMs);
    if (lagMs > LATE_MS) this.#late++;
  }

  result(): Lateness {
    const lateShare = this.#count === 0 ? 0 : this.#late / this.#count;
    return {
      lateShare,
      p99Ms: this.#lags.percentileMs(0.99),
      maxMs: this.#lags.maxMs,
      behind: lateShare > TOLERATED,
    };
  }
}
