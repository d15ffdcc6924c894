/**
 * Messages of one kind that were delivered before and run beside others, each under a row in `bus.job_try` that is opened
 * when it starts (bus/tries.ts).
 */
import { type BesideVerdict, beginBeside } from "../bus/index.ts";
import { type Held, wasDeliveredBefore } from "./held.ts";
import { type Refuser, STALLED_PAUSE_MS } from "./refuser.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** A batch that kills its worker leaves as many suspects, each of which then runs alone: no more than these. */
export const MOST_IN_BATCH = 50;

export class Beside {
  readonly #deps: RunnerDeps;
  readonly #refuser: Refuser;
  readonly #onSuspect: (held: Held) => void;

  /** `onSuspect` is given those that have to run alone. */
  constructor(deps: RunnerDeps, refuser: Refuser, onSuspect: (held: Held) => void) {
    this.#deps = deps;
    this.#refuser = refuser;
    this.#onSuspect = onSuspect;
  }

  /** Opens the rows of a group that is about to start, and takes out of it what must not. */
  async open(group: Held[]): Promise<void> {
    const before = group.filter(wasDeliveredBefore);
    const verdicts = await this.#begin(before);
    const refused = new Map<Held, BesideVerdict | null>();
    for (const [i, held] of before.entries()) {
      const verdict = verdicts?.[i] ?? null;
      if (verdict?.type === "run") held.run = verdict.run;
      else refused.set(held, verdict);
    }
    group.splice(0, group.length, ...group.filter(held => !refused.has(held)));
    for (const [held, verdict] of refused) this.#leaveOut(held, verdict);
  }

  /** Null: that could not be told. */
  async #begin(before: readonly Held[]): Promise<BesideVerdict[] | null> {
    const { sql, worker, bus, log } = this.#deps;
    try {
      const liveWorkers = (await bus.registry.allLive()).map(beat => beat.worker);
      return await beginBeside(
        sql,
        before.map(held => held.job),
        { worker, liveWorkers },
      );
    } catch (error) {
      log.warn({ err: error, jobs: before.length }, "redelivered jobs could not start; they go back");
      return null;
    }
  }

  #leaveOut(held: Held, verdict: BesideVerdict | null): void {
    if (verdict === null) void this.#refuser.giveBack(held, STALLED_PAUSE_MS);
    else if (verdict.type === "suspect") this.#onSuspect(held);
    else if (verdict.type !== "run") void this.#refuser.refuse(held, verdict);
  }
}
