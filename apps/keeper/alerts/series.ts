/**
 * What rules look at: the metrics of all processes, as /metrics shows them, over the last hour. Counters and histograms
 * are followed for each process by itself and added up, so that one which restarts (and begins at zero) or leaves takes
 * nothing away; gauges are taken as they are now, the highest where several processes tell the same.
 */

export type Labels = Readonly<Record<string, string>>;

/** A value as prom-client hands it over between processes. */
type Value = { value: number; labels: Record<string, string | number>; metricName?: string };
export type Metric = { name: string; type: string; values: Value[] };

/** Counters that rules ask about, each added up over all labels but these. */
export type Watched = { readonly name: string; readonly by: readonly string[] };

type Snapshot = { atMs: number; totals: Map<string, number> };

const HOUR_MS = 3_600_000;
/** A process that did not answer for so long is gone. */
const GONE_MS = 600_000;

/** A process as it was last heard of; its counters by name and labels. */
type Known = { startedAtMs: number; seenAtMs: number; counters: Map<string, number> };

const keyOf = (name: string, labels: Labels, by: readonly string[]) =>
  [name, ...by.map(label => labels[label] ?? "")].join("\u0000");

function labelsOf({ labels }: Value): Labels {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)]));
}

export class Series {
  readonly #watched: Map<string, readonly string[]>;
  readonly #processes = new Map<string, Known>();
  readonly #totals = new Map<string, number>();
  readonly #snapshots: Snapshot[] = [];
  #gauges = new Map<string, { labels: Labels; value: number }[]>();
  #firstAtMs: number | undefined;

  constructor(watched: readonly Watched[]) {
    this.#watched = new Map(watched.map(({ name, by }) => [name, by]));
  }

  /** Takes in what all processes answered at one moment. */
  add(atMs: number, processes: readonly (readonly Metric[])[]): void {
    this.#firstAtMs ??= atMs;
    const gauges = new Map<string, Map<string, { labels: Labels; value: number }>>();
    for (const metrics of processes) {
      const process = this.#processOf(metrics, atMs);
      for (const metric of metrics) {
        for (const value of metric.values) {
          const name = value.metricName ?? metric.name;
          if (metric.type === "gauge") keepHighest(gauges, name, labelsOf(value), value.value);
          else this.#count(process, name, labelsOf(value), value.value);
        }
      }
    }
    this.#gauges = new Map([...gauges].map(([name, found]) => [name, [...found.values()]]));
    this.#snapshots.push({ atMs, totals: new Map(this.#totals) });
    while (this.#snapshots.length > 1 && this.#snapshots[1]!.atMs <= atMs - HOUR_MS) this.#snapshots.shift();
    for (const [id, known] of this.#processes)
      if (known.seenAtMs < atMs - GONE_MS) this.#processes.delete(id);
  }

  /** A gauge now, for each of its label sets; the label of the process is left out. */
  gauge(name: string): readonly { labels: Labels; value: number }[] {
    return this.#gauges.get(name) ?? [];
  }

  /**
   * How much watched counters rose, by their labels, in the `windowMs` that ended `beforeMs` ago; over what is known, when
   * that is less.
   */
  increase(name: string, windowMs: number, beforeMs = 0): { labels: Labels; value: number }[] {
    const by = this.#watched.get(name);
    if (!by) throw new Error(`${name} is not watched`);
    const last = this.#snapshots.at(-1);
    if (!last) return [];
    const end = this.#at(last.atMs - beforeMs);
    const start = this.#at(last.atMs - beforeMs - windowMs);
    if (!end || !start) return [];
    return [...end.totals].flatMap(([key, value]) => {
      const [owner, ...values] = key.split("\u0000");
      if (owner !== name) return [];
      const labels = Object.fromEntries(by.map((label, i) => [label, values[i]!]));
      return [{ labels, value: value - (start.totals.get(key) ?? 0) }];
    });
  }

  /** The last snapshot that is not younger than `ms`, else the first of all. */
  #at(ms: number): Snapshot | undefined {
    return this.#snapshots.findLast(one => one.atMs <= ms) ?? this.#snapshots[0];
  }

  #count(process: Known, name: string, labels: Labels, value: number): void {
    const by = this.#watched.get(name);
    if (!by) return;
    const own = `${name} ${JSON.stringify(labels)}`;
    // What a process did before we looked for the first time counts for nothing: it may be days old.
    const before = process.counters.get(own) ?? (process.startedAtMs < this.#firstAtMs! ? value : 0);
    process.counters.set(own, value);
    const key = keyOf(name, labels, by);
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + Math.max(0, value - before));
  }

  /** Two processes of one name are told apart by their start. */
  #processOf(metrics: readonly Metric[], atMs: number): Known {
    const start = metrics.find(metric => metric.name === "tradewind_process_start_time_seconds")?.values[0];
    const id = start ? `${start.labels.process}@${start.value}` : "";
    const known = this.#processes.get(id) ?? {
      startedAtMs: (start?.value ?? 0) * 1_000,
      seenAtMs: atMs,
      counters: new Map(),
    };
    known.seenAtMs = atMs;
    this.#processes.set(id, known);
    return known;
  }
}

function keepHighest(
  gauges: Map<string, Map<string, { labels: Labels; value: number }>>,
  name: string,
  { process: _, ...labels }: Labels,
  value: number,
): void {
  const found = gauges.get(name) ?? new Map<string, { labels: Labels; value: number }>();
  gauges.set(name, found);
  const key = JSON.stringify(labels);
  const known = found.get(key);
  if (!known || known.value < value) found.set(key, { labels, value });
}

/**
 * The quantile of a histogram from how much each of its buckets rose: linear within a bucket, as Prometheus does
 * (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile). Null when nothing was counted.
 */
export function quantile(q: number, buckets: readonly { labels: Labels; value: number }[]): number | null {
  const sorted = buckets
    .map(({ labels, value }) => ({
      le: labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le),
      value,
    }))
    .toSorted((a, b) => a.le - b.le);
  const total = sorted.at(-1)?.value ?? 0;
  if (total === 0) return null;
  const rank = q * total;
  const i = sorted.findIndex(bucket => bucket.value >= rank);
  const below = i === 0 ? { le: 0, value: 0 } : sorted[i - 1]!;
  const { le, value } = sorted[i]!;
  if (le === Number.POSITIVE_INFINITY) return below.le;
  return below.le + ((le - below.le) * (rank - below.value)) / (value - below.value);
}
