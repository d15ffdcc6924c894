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

export type Quantiles = { p50Ms: number; p95Ms: number; p99Ms: number };

export type Measured = {
  count: number;
  seconds: number;
  latenciesMs: readonly number[];
  /** In the place of single latencies, from a program that keeps them to itself; named by `by`. */
  quantiles?: Quantiles;
  by?: string;
};

const TURNS = 3;

/** The median ratio of ours to the limit, measured in turns: both sides of a pair see the same weather. */
export async function ratioOf(
  ours: () => Promise<Measured>,
  limit: () => Promise<Measured>,
): Promise<number> {
  const rate = (one: Measured) => one.count / one.seconds;
  const ratios: number[] = [];
  for (let i = 0; i < TURNS; i++) {
    const beside = rate(await limit());
    ratios.push(rate(await ours()) / beside);
  }
  return round(median(ratios));
}

export function figuresOf(runs: readonly Measured[]): Figures {
  const rates = runs.map(run => run.count / run.seconds);
  const latencies = runs.map(quantilesOf).filter(one => one !== undefined);
  const by = runs.find(run => run.by)?.by;
  return {
    perSecond: Math.round(median(rates)),
    perSecondRange: [Math.round(Math.min(...rates)), Math.round(Math.max(...rates))],
    ...(latencies.length > 0 && latencyFigures(latencies)),
    ...(by && { by }),
  };
}

function quantilesOf({ latenciesMs, quantiles }: Measured): Quantiles | undefined {
  if (quantiles || latenciesMs.length === 0) return quantiles;
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map(share => percentile(sorted, share));
  return { p50Ms: p50Ms!, p95Ms: p95Ms!, p99Ms: p99Ms! };
}

function latencyFigures(runs: readonly Quantiles[]): Partial<Figures> {
  const middle = (name: keyof Quantiles) => round(median(runs.map(run => run[name])));
  const p99s = runs.map(run => run.p99Ms);
  return {
    p50Ms: middle("p50Ms"),
    p95Ms: middle("p95Ms"),
    p99Ms: middle("p99Ms"),
    ...(runs.length > 1 && { p99MsRange: [round(Math.min(...p99s)), round(Math.max(...p99s))] as const }),
  };
}
