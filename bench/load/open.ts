/**
 * Open loop: requests leave at intended times, whatever becomes of those before, as buyers do; latency counts from the
 * intended departure. The generator is a process of its own, so that it shares no thread with who measures or is measured,
 * and bounded: at most `maxInFlight` requests are out, what is due beyond that waits its turn.
 *
 * The result tells when the generator itself fell behind (`lateness.behind`): then latencies are the generator's and
 * not to be quoted. Its timer ticks each millisecond, so latencies hold up to 1 ms that is not the server's.
 */
import { setPriority } from "node:os";
import { join } from "node:path";
import type { Arrivals, Lateness } from "./departures.ts";
import { Histogram, type HistogramData } from "./histogram.ts";

export type OpenKind = {
  readonly name: string;
  /** Of all departures; the shares are added up. */
  readonly share: number;
  /** Bytes of requests (`requestText`), sent in turn. */
  readonly requests: readonly string[];
  /** Each request at most once, such as checkouts; departures beyond are counted as `missing`. */
  readonly once?: boolean;
  /** Any other status is unexpected, and samples of the answers are kept. */
  readonly expect: readonly number[];
};

export type OpenLoad = {
  readonly ports: readonly number[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly arrivals: Arrivals;
  readonly maxInFlight: number;
  readonly kinds: readonly OpenKind[];
  /** Latencies are kept by as many equal parts of the time, to see a slow-down. */
  readonly slices: number;
  readonly seed: number;
};

/** What the generator prints. Status 0: the connection ended before the answer. */
export type KindData = {
  name: string;
  statuses: Record<number, number>;
  unexpected: number;
  missing: number;
  samples: string[];
  slices: HistogramData[];
};
export type OpenData = {
  seconds: number;
  /** Departures of the plan; those sent; those answered, the lost ones among them. */
  intended: number;
  sent: number;
  answered: number;
  lateness: Lateness;
  kinds: KindData[];
};

export type OpenKindResult = Omit<KindData, "slices"> & {
  count: number;
  slices: Histogram[];
  all: Histogram;
};
export type OpenResult = Omit<OpenData, "kinds"> & {
  kinds: OpenKindResult[];
  /** Everything was sent, answered, and answered as expected. */
  whole: boolean;
  all: Histogram;
};

const DEFAULTS = { arrivals: "poisson", maxInFlight: 128, slices: 1, seed: 1 } as const;
type Defaulted = keyof typeof DEFAULTS;

/** @throws Error when the generator fails. */
export async function openLoop(
  options: Omit<OpenLoad, Defaulted> & Partial<Pick<OpenLoad, Defaulted>>,
): Promise<OpenResult> {
  const load: OpenLoad = { ...DEFAULTS, ...options };
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "open.process.ts")], {
    stdin: new Blob([JSON.stringify(load)]),
    stdout: "pipe",
    stderr: "pipe",
  });
  favour(child.pid);
  const [said, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`the load generator failed: ${complaint.slice(-2_000)}`);
  return resultOf(JSON.parse(said) as OpenData);
}

/**
 * Before the servers, where the system allows it (root): on a machine that is all theirs, a generator that waits for the
 * processor measures itself.
 */
function favour(pid: number): void {
  try {
    setPriority(pid, -10);
  } catch {
    // Then it competes, and tells when it fell behind.
  }
}

function resultOf({ kinds, ...data }: OpenData): OpenResult {
  const results = kinds.map(kind => {
    const slices = kind.slices.map(one => new Histogram().add(one));
    const all = kind.slices.reduce((sum, one) => sum.add(one), new Histogram());
    return { ...kind, slices, all, count: all.count };
  });
  const all = results.reduce((sum, kind) => sum.add(kind.all.data()), new Histogram());
  const whole =
    data.sent === data.intended &&
    data.answered === data.sent &&
    results.every(kind => kind.unexpected === 0);
  return { ...data, kinds: results, whole, all };
}

/** How many answers of the kind had one of these statuses. */
export function answeredWith(result: OpenResult, kind: string, ...statuses: number[]): number {
  const found = result.kinds.find(one => one.name === kind);
  return statuses.reduce((sum, status) => sum + (found?.statuses[status] ?? 0), 0);
}

/** Unexpected answers in words, for people; empty when there were none. */
export function complaints(result: OpenResult): string[] {
  return result.kinds
    .filter(kind => kind.unexpected + kind.missing > 0)
    .map(
      ({ name, unexpected, missing, statuses, samples }) =>
        `${name}: ${unexpected} unexpected of ${JSON.stringify(statuses)}, ${missing} without a request; ${samples[0] ?? ""}`,
    );
}
