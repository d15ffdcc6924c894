/**
 * Throughput and latency of a kind over the last ten seconds, as counts in logarithmic buckets, so that the values of
 * several processes add up before a percentile is read.
 */
const SLOTS = 10;
const SLOT_MS = 1_000;
/** Bucket i holds durations up to 2^(i/2) / 10 ms: 0.1 ms to about an hour, 41 % apart. */
const BUCKETS = 64;

export type RateSummary = { perSecond: number; counts: number[] };

const boundMs = (bucket: number) => 2 ** (bucket / 2) / 10;

function bucketOf(ms: number): number {
  return Math.max(0, Math.min(BUCKETS - 1, Math.ceil(2 * Math.log2(Math.max(ms, 0.1) * 10))));
}

export class RateWindow {
  readonly #slots = Array.from({ length: SLOTS }, () => new Uint32Array(BUCKETS));
  #slot = Math.floor(Date.now() / SLOT_MS);

  add(durationMs: number): void {
    this.#turn();
    this.#slots[this.#slot % SLOTS]![bucketOf(durationMs)]!++;
  }

  summary(): RateSummary {
    this.#turn();
    const counts = new Array<number>(BUCKETS).fill(0);
    for (const slot of this.#slots) for (let i = 0; i < BUCKETS; i++) counts[i]! += slot[i]!;
    const total = counts.reduce((sum, count) => sum + count, 0);
    return { perSecond: total / ((SLOTS * SLOT_MS) / 1_000), counts: trimmed(counts) };
  }

  #turn(): void {
    const now = Math.floor(Date.now() / SLOT_MS);
    for (let at = Math.max(this.#slot + 1, now - SLOTS + 1); at <= now; at++)
      this.#slots[at % SLOTS]!.fill(0);
    this.#slot = now;
  }
}

function trimmed(counts: number[]): number[] {
  return counts.slice(0, counts.findLastIndex(count => count > 0) + 1);
}

/** Mean duration, as near as the buckets tell; null without any. */
export function meanMs(summaries: readonly { counts: number[] }[]): number | null {
  let [total, ms] = [0, 0];
  for (const { counts } of summaries) {
    for (const [bucket, count] of counts.entries()) {
      total += count;
      // The middle of the bucket on its scale.
      ms += count * boundMs(bucket - 0.5);
    }
  }
  return total === 0 ? null : ms / total;
}

/** The upper bound of the bucket that holds the given share of all durations; null without any. */
export function percentileMs(summaries: readonly { counts: number[] }[], share: number): number | null {
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const summary of summaries) for (const [i, count] of summary.counts.entries()) counts[i]! += count;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let bucket = 0;
  for (let seen = counts[0]!; seen < total * share; seen += counts[bucket]!) bucket++;
  return Math.round(boundMs(bucket) * 100) / 100;
}
