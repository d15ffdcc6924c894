/** What a scenario is and what it reports; run.ts prints it, surface of `--json` included. */
import type { BenchStack } from "./stack.ts";

/** Median of the runs with the range of the measured values. */
export type Figures = {
  perSecond: number;
  perSecondRange?: readonly [number, number];
  p50Ms?: number;
  p95Ms?: number;
  p99Ms?: number;
  rssMb?: number;
};

export type Peer = { name: string; version: string; perSecond: number; ratio: number };

/** A further measurement of the scenario: another number of clients, pools live … */
export type Case = { name: string; ofLimit?: number; target?: string; ok?: boolean } & Partial<Figures>;

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
};

export type Options = {
  /** Length of each measurement. */
  seconds: number;
  /** Fewer and smaller measurements: to see that it works, not to quote. */
  quick: boolean;
  /** Progress for people, on standard error. */
  say(line: string): void;
};

export type Scenario = {
  readonly name: string;
  readonly about: string;
  /** Default length of a measurement. */
  readonly seconds: number;
  run(stack: BenchStack, options: Options): Promise<Report>;
};
