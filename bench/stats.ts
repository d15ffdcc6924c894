import type { Figures } from "./scenario.ts";

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which this share of the sorted values lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

export type Measured = { count: number; seconds: number; latenciesMs: readonly number[] };

export function figuresOf(runs: readonly Measured[]): Figures {
  const rates = runs.map(run => run.count / run.seconds);
  const spread = (share: number) =>
    round(
      median(
        runs.map(run =>
          percentile(
            run.latenciesMs.toSorted((a, b) => a - b),
            share,
          ),
        ),
      ),
    );
  const hasLatencies = runs.some(run => run.latenciesMs.length > 0);
  return {
    perSecond: Math.round(median(rates)),
    perSecondRange: [Math.round(Math.min(...rates)), Math.round(Math.max(...rates))],
    ...(hasLatencies && { p50Ms: spread(0.5), p95Ms: spread(0.95), p99Ms: spread(0.99) }),
  };
}
