/**
 * The last moment before jobs start: unique ones give up their claims (bus/unique.ts), and what is to be cancelled is left
 * out. Who is cancelled while claims are given up is found, because the second comes after the first.
 */
import { type Contract, startUnique } from "../bus/index.ts";
import { type Ends, UNWRITTEN_PAUSE_MS } from "./ends.ts";
import type { Held } from "./held.ts";
import type { RunnerDeps } from "./runner-deps.ts";

export class Admission {
  readonly #contract: Contract;
  readonly #ends: Ends;
  readonly #deps: Pick<RunnerDeps, "sql" | "log" | "cancellations">;

  constructor(contract: Contract, ends: Ends, deps: Pick<RunnerDeps, "sql" | "log" | "cancellations">) {
    this.#contract = contract;
    this.#ends = ends;
    this.#deps = deps;
  }

  /**
   * Takes out of a group what must not start; nothing may be awaited between this and the start. Undefined: that is done; a
   * promise: when it is kept.
   */
  pass(group: Held[]): Promise<void> | undefined {
    if (group.some(held => held.job.isUnique))
      return this.#startUnique(group).then(() => this.#leaveOutCancelled(group));
    this.#leaveOutCancelled(group);
    return undefined;
  }

  #leaveOutCancelled(group: Held[]): void {
    const { cancellations } = this.#deps;
    if (cancellations.size > 0) this.#leaveOut(group, id => cancellations.reasonFor(id));
  }

  /** False: that could not be told. What is to be cancelled, `bus.begin_run` has found already. */
  claimGivenUp(held: Held): Promise<boolean> {
    return startUnique(this.#deps.sql, [held.job.id]).then(
      () => true,
      () => false,
    );
  }

  /** Gives up claims that end at the start, and leaves out what was cancelled; all, when that can't be told. */
  async #startUnique(group: Held[]): Promise<void> {
    const ids = group.filter(held => held.job.isUnique).map(held => held.job.id);
    try {
      const cancelled = await startUnique(this.#deps.sql, ids);
      const { cancellations } = this.#deps;
      this.#leaveOut(group, id =>
        cancelled.has(id) ? (cancellations.reasonFor(id) ?? "cancelled") : undefined,
      );
    } catch (error) {
      this.#deps.log.warn({ err: error, kind: this.#contract.kind }, "claims not given up; the jobs go back");
      for (const held of group.splice(0)) void this.#ends.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  /** Settles those as cancelled for which there is a reason. */
  #leaveOut(group: Held[], reasonFor: (id: string) => string | undefined): void {
    for (let i = group.length - 1; i >= 0; i--) {
      const reason = reasonFor(group[i]!.job.id);
      if (reason === undefined) continue;
      const [held] = group.splice(i, 1);
      this.#ends.cancelled(held!, reason);
    }
  }
}
