import type { Gaps } from "../count/index.ts";
import type { Journal } from "../journal.ts";
import type { Random } from "../random.ts";
import type { Stack } from "../stack.ts";

export type FaultContext = {
  readonly stack: Stack;
  readonly journal: Journal;
  readonly random: Random;
};

/** What was done to what, how long until all was well again, and for how long nothing was done or accepted until then. */
export type Happened = { readonly target: string; readonly recoveredMs: number } & Gaps;

export type Fault = {
  readonly name: string;
  /** Does it, and returns what must have another process before all is well: names of stack.json with their old pids. */
  inflict(context: FaultContext): Promise<Inflicted>;
};

export type Inflicted = {
  readonly target: string;
  /** The moment from which recovery counts; performance.now(). */
  readonly atMs: number;
  /** True when what was hit is there again. */
  isBack(): Promise<boolean> | boolean;
  /** Makes whole again what all is well without. */
  mend?(): Promise<void>;
};
