/** What becomes of messages that were delivered before and do not run, by the verdict (bus/tries.ts). */
import type { Refusal } from "../bus/index.ts";
import type { Ends } from "./ends.ts";
import type { Held } from "./held.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** How long a message rests that another live worker may still be working on. */
export const STALLED_PAUSE_MS = 1_000;

export class Refuser {
  readonly #ends: Ends;
  readonly #cancellations: RunnerDeps["cancellations"];

  constructor(ends: Ends, cancellations: RunnerDeps["cancellations"]) {
    this.#ends = ends;
    this.#cancellations = cancellations;
  }

  /** Resolves when that is committed. */
  async refuse(held: Held, verdict: Refusal): Promise<void> {
    if (verdict.type === "settled") this.#ends.ackOnly(held);
    else if (verdict.type === "running") await this.giveBack(held, STALLED_PAUSE_MS);
    else {
      const reason = this.#cancellations.reasonFor(held.job.id) ?? "cancelled";
      await this.#ends.settled(held, { type: "cancelled", reason }, Date.now());
    }
  }

  bury(held: Held, { run, kills }: { run: number; kills: number }): Promise<void> {
    held.run = run;
    const error = `the job killed its worker ${kills} times`;
    return this.#ends.settled(held, { type: "killed_worker", error }, Date.now());
  }

  giveBack(held: Held, delayMs: number): Promise<void> {
    return this.#ends.giveBack(held, delayMs);
  }
}
