/**
 * The slow path of one kind: messages that were delivered before, one after the other, each alone in the process where
 * that can be had (gate.ts), under a row in `bus.job_try` that tells of it. The protocol and its crash story are told in
 * bus/tries.ts.
 */
import { beginRun, type Settled, shareRun } from "../bus/index.ts";
import type { Held } from "./held.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** How long a message rests that another live worker may still be working on. */
const STALLED_PAUSE_MS = 1_000;

/** What the slow path needs of its runner. */
export type SlowPathHost = {
  hasRoom(): boolean;
  /** Counts `work` among the running ones. */
  occupy(work: () => Promise<void>): Promise<void>;
  /**
   * Runs a job once it has what it needs of the machine: then `open` commits its row, or decides against the run by
   * giving null. Waits until the end is committed: until then the row is open, and a kill of this process by the next
   * job would be blamed on it.
   */
  runUnderRow(held: Held, open: () => Promise<number | null>): Promise<void>;
  settled(held: Held, ending: Settled, startedAtMs: number, run: number | null): Promise<void>;
  ackOnly(held: Held): void;
  giveBack(held: Held, delayMs: number): void;
};

type SlowRun = { readonly held: Held; run: number | null };

export class SlowPath {
  readonly #deps: RunnerDeps;
  readonly #host: SlowPathHost;
  #waiting: Held[] = [];
  #busy = false;

  constructor(deps: RunnerDeps, host: SlowPathHost) {
    this.#deps = deps;
    this.#host = host;
  }

  push(held: Held): void {
    this.#waiting.push(held);
  }

  /** What has not started, which the caller gives back. */
  clear(): Held[] {
    return this.#waiting.splice(0);
  }

  pump(): void {
    if (this.#waiting.length > 0 && !this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0 && this.#host.hasRoom()) {
      const slow: SlowRun = { held: this.#waiting.shift()!, run: null };
      await this.#deps.gate.alone(
        alone => this.#host.occupy(() => this.#rerun(slow, alone)),
        () => this.#share(slow),
      );
    }
    this.#busy = false;
  }

  async #rerun(slow: SlowRun, alone: boolean): Promise<void> {
    const { held } = slow;
    try {
      await this.#host.runUnderRow(held, async () => {
        slow.run = await this.#judge(held, alone);
        return slow.run;
      });
    } catch (error) {
      this.#deps.log.warn(
        { err: error, jobId: held.job.id },
        "a redelivered job could not start; it goes back",
      );
      this.#host.giveBack(held, STALLED_PAUSE_MS);
    }
  }

  /** The number of the opened row; null when the job does not run, and its message is seen to. */
  async #judge(held: Held, alone: boolean): Promise<number | null> {
    const { sql, worker, bus } = this.#deps;
    const liveWorkers = (await bus.registry.allLive()).map(beat => beat.worker);
    const verdict = await beginRun(sql, held.job, { worker, alone, liveWorkers });
    if (verdict.type === "run") return verdict.run;
    if (verdict.type === "settled") this.#host.ackOnly(held);
    else if (verdict.type === "running") this.#host.giveBack(held, STALLED_PAUSE_MS);
    else if (verdict.type === "cancelled") {
      const reason = this.#deps.cancellations.reasonFor(held.job.id) ?? "cancelled";
      await this.#host.settled(held, { type: "cancelled", reason }, Date.now(), null);
    } else {
      const error = `the job killed its worker ${verdict.kills} times`;
      await this.#host.settled(held, { type: "killed_worker", error }, Date.now(), verdict.run);
    }
    return null;
  }

  /** From here on a kill is no proof against this run. */
  #share({ held, run }: SlowRun): void {
    if (run === null) return;
    shareRun(this.#deps.sql, held.job, run).catch(error =>
      this.#deps.log.warn({ err: error }, "run not marked as shared"),
    );
  }
}
