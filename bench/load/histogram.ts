/**
 * Counts of durations in buckets whose width grows with the value, after HdrHistogram: whole microseconds below 128 µs, then
 * 128 buckets for each doubling. A percentile is told as the upper edge of its bucket, so it is never too low, and too high
 * by at most 1/128 (0.8 %) or 1 µs. Memory is bounded by the range, not by the number of durations.
 */
const SUB = 128;
const SUB_BITS = 7;
/** 2^36 µs are 19 hours; what is longer is counted there. */
const DOUBLINGS = 29;

/** What a percentile may be too high by, as a share. */
export const RELATIVE_ERROR = 1 / SUB;

/** Sparse: pairs of bucket and count; how a histogram goes from one process to another. */
export type HistogramData = { counts: [bucket: number, count: number][]; maxMs: number };

export class Histogram {
  readonly #counts = new Float64Array(SUB * (DOUBLINGS + 1));
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact. */
  get maxMs(): number {
    return this.#maxMs;
  }

  record(ms: number): void {
    this.#counts[bucketOf(ms)]!++;
    this.#count++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The duration that this share of all did not exceed; 0 when there is none. */
  percentileMs(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return Math.min(upperEdgeMs(bucket), this.#maxMs);
    }
    return this.#maxMs;
  }

  /** How many took surely longer: those in buckets that begin at or above `ms`. */
  countAbove(ms: number): number {
    let count = 0;
    for (let bucket = bucketOf(ms) + 1; bucket < this.#counts.length; bucket++)
      count += this.#counts[bucket]!;
    return count;
  }

  add(other: HistogramData): this {
    for (const [bucket, count] of other.counts) {
      this.#counts[bucket]! += count;
      this.#count += count;
    }
    this.#maxMs = Math.max(this.#maxMs, other.maxMs);
    return this;
  }

  data(): HistogramData {
    const all = [...this.#counts.entries()];
    return { counts: all.filter(([, count]) => count > 0), maxMs: this.#maxMs };
  }
}

function bucketOf(ms: number): number {
  const us = Math.max(0, Math.floor(ms * 1_000));
  if (us < SUB) return us;
  const doubling = Math.floor(Math.log2(us)) - SUB_BITS;
  if (doubling >= DOUBLINGS) return SUB * (DOUBLINGS + 1) - 1;
  return SUB * (doubling + 1) + Math.floor(us / 2 ** doubling) - SUB;
}

function upperEdgeMs(bucket: number): number {
  if (bucket < SUB) return (bucket + 1) / 1_000;
  const doubling = Math.floor(bucket / SUB) - 1;
  return (((bucket % SUB) + SUB + 1) * 2 ** doubling) / 1_000;
}
