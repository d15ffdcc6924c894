/**
 * The slow path of one kind: messages that were delivered before and whose jobs may be killers, one after the other, each
 * alone in the process where that can be had (gate.ts), under a row in `bus.job_try` that tells of it. The protocol and its
 * crash story are told in bus/tries.ts.
 */
import { beginRun, shareRun } from "../bus/index.ts";
import type { Held } from "./held.ts";
import { type Refuser, STALLED_PAUSE_MS } from "./refuser.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** From so many on, in all kinds of the process, they would wait for one another: those that are no suspects run beside others. */
const FEW = 3;
/** So long at a time turns follow one another; then whoever else waits may enter. */
const SESSION_MS = 1_000;

/** What the slow path needs of its runner. */
export type SlowPathHost = {
  hasRoom(): boolean;
  /** Counts `work` among the running ones. */
  occupy(work: () => Promise<void>): Promise<void>;
  /**
   * Runs a job once it has what it needs of the machine: then `open` commits its row, or decides against the run by
   * giving false. Waits until the end is committed: until then the row is open, and a kill of this process by the next
   * job would be blamed on it.
   */
  runUnderRow(held: Held, open: () => Promise<boolean>): Promise<void>;
};

export class SlowPath {
  readonly #deps: RunnerDeps;
  readonly #host: SlowPathHost;
  readonly #refuser: Refuser;
  #waiting: Held[] = [];
  #busy = false;

  constructor(deps: RunnerDeps, host: SlowPathHost, refuser: Refuser) {
    this.#deps = deps;
    this.#host = host;
    this.#refuser = refuser;
  }

  /** Another one would be alone soon. */
  get isShort(): boolean {
    return this.#deps.gate.expected < FEW;
  }

  push(held: Held): void {
    this.#deps.gate.expect(1);
    this.#waiting.push(held);
  }

  /** What has not started, which the caller gives back. */
  clear(): Held[] {
    this.#deps.gate.expect(-this.#waiting.length);
    return this.#waiting.splice(0);
  }

  pump(): void {
    if (this.#waiting.length > 0 && !this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0 && this.#host.hasRoom()) await this.#session();
    this.#busy = false;
  }

  /** Some turns, between which nobody else enters. The first one's room is taken. */
  async #session(): Promise<void> {
    const { gate } = this.#deps;
    const open = gate.close();
    const untilMs = performance.now() + SESSION_MS;
    do {
      const held = this.#waiting.shift()!;
      gate.expect(-1);
      await gate.alone(
        alone => this.#host.occupy(() => this.#rerun(held, alone)),
        () => this.#share(held),
      );
    } while (this.#waiting.length > 0 && performance.now() < untilMs && this.#host.hasRoom());
    open();
  }

  async #rerun(held: Held, alone: boolean): Promise<void> {
    try {
      await this.#host.runUnderRow(held, () => this.#open(held, alone));
    } catch (error) {
      this.#deps.log.warn(
        { err: error, jobId: held.job.id },
        "a redelivered job could not start; it goes back",
      );
      await this.#refuser.giveBack(held, STALLED_PAUSE_MS);
    }
  }

  /** False when the job does not run, and its message is seen to. */
  async #open(held: Held, alone: boolean): Promise<boolean> {
    const { sql, worker, bus } = this.#deps;
    const liveWorkers = (await bus.registry.allLive()).map(beat => beat.worker);
    const verdict = await beginRun(sql, held.job, { worker, alone, liveWorkers });
    if (verdict.type === "run") {
      held.run = verdict.run;
      return true;
    }
    if (verdict.type === "killer") await this.#refuser.bury(held, verdict);
    else await this.#refuser.refuse(held, verdict);
    return false;
  }

  /** From here on a kill is no proof against this run. */
  #share({ job, run }: Held): void {
    if (run === undefined) return;
    shareRun(this.#deps.sql, job, run).catch(error =>
      this.#deps.log.warn({ err: error }, "run not marked as shared"),
    );
  }
}
