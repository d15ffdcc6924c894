/** What a scenario is and what it reports; run.ts prints it, surface of `--json` included. */
import type { BenchCluster } from "./cluster.ts";
import type { BenchStack } from "./stack.ts";

/** Median of the runs with the range of the measured values. */
export type Figures = {
  perSecond: number;
  perSecondRange?: readonly [number, number];
  p50Ms?: number;
  p95Ms?: number;
  p99Ms?: number;
  /** Of the runs, where there were several. */
  p99MsRange?: readonly [number, number];
  rssMb?: number;
  /** The program that drove a closed loop, where it was not the bench's own. */
  by?: string;
};

export type Peer = { name: string; version: string; perSecond: number; ratio: number };

/** A further measurement of the scenario: another number of clients, pools live … */
export type Case = { name: string; ofLimit?: number; target?: string; ok?: boolean } & Partial<Figures>;

/** A line over time: x in seconds. */
export type Series = { name: string; unit: string; points: readonly (readonly [number, number])[] };

export type Report = {
  runs: number;
  /** Every item was counted once at the end. */
  exact: boolean;
  ours: Figures;
  limit: { name: string } & Figures;
  ofLimit: number;
  peers?: readonly Peer[];
  cases?: readonly Case[];
  /** What holds the number, and what was counted, in words. */
  notes?: readonly string[];
  series?: readonly Series[];
};

/** A report with what it was measured on, as it is printed, kept and compared. */
export type FullReport = Report & {
  scenario: string;
  commit: string;
  machine: { cores: number; model: string };
  at: string;
  quick: boolean;
};

export type Options = {
  /** Length of each measurement. */
  seconds: number;
  /** Fewer and smaller measurements: to see that it works, not to quote. */
  quick: boolean;
  /** Progress for people, on standard error. */
  say(line: string): void;
};

type Named = {
  readonly name: string;
  readonly about: string;
  /** Default length of a measurement. */
  readonly seconds: number;
};

/** Starts of our processes what it measures, on servers of its own. */
export type Scenario = Named & {
  run(stack: BenchStack, options: Options): Promise<Report>;
  readonly ratio?: QuickRatio;
};

/** Measures a whole cluster as `bun run start` starts it. */
export type ClusterScenario = Named & {
  /** Settings of the cluster. */
  readonly cluster: Readonly<Record<string, string>>;
  run(cluster: BenchCluster, options: Options): Promise<Report>;
};

export type AnyScenario = Scenario | ClusterScenario;

/** The scenario's number beside the limit, in some seconds, for `bun run bench quick`. */
export type QuickRatio = {
  /** What a full run has to reach. */
  readonly bar: number;
  /** Ours and the limit in turns, on a stack that other ratios were measured on before. @throws when not exact. */
  measure(stack: BenchStack, seconds: number): Promise<number>;
};
