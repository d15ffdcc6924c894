/**
 * What becomes of the messages of one kind that this process holds: settled with an outcome (bus/settle.ts), put back for
 * a while under the same try (bus/postpone.ts), or given back to the server, which hands them out again.
 */
import {
  abandonRun,
  type Contract,
  isDataError,
  type NewerVersion,
  postpone,
  RateWindow,
  type Settled,
} from "../bus/index.ts";
import type { Held, HeldMessages } from "./held.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** How long a message rests about which nothing could be written. */
export const UNWRITTEN_PAUSE_MS = 1_000;

export type Snoozed = { readonly held: Held; readonly afterMs: number | undefined };

type EndsDeps = Pick<RunnerDeps, "sql" | "log" | "settler" | "metrics">;

export class Ends {
  readonly rates = new RateWindow();
  readonly #contract: Contract;
  readonly #held: HeldMessages;
  readonly #deps: EndsDeps;

  constructor(contract: Contract, held: HeldMessages, deps: EndsDeps) {
    this.#contract = contract;
    this.#held = held;
    this.#deps = deps;
  }

  /** `run`: number of the row that the slow path has opened. */
  settle(held: Held, ending: Settled, startedAtMs: number, run: number | null, onSettled?: () => void): void {
    const contract = this.#contract;
    const endedAtMs = Date.now();
    this.rates.add(endedAtMs - startedAtMs);
    this.#deps.settler.settle(
      { contract, job: held.job, pulled: held.pulled, startedAtMs, endedAtMs, run, ending },
      status => {
        this.#deps.metrics.settled(contract.kind, status, endedAtMs - startedAtMs);
        this.#held.drop(held);
        onSettled?.();
      },
    );
  }

  /** Settles and waits until that is committed. */
  settled(held: Held, ending: Settled, startedAtMs: number, run: number | null): Promise<void> {
    return new Promise(resolve => this.settle(held, ending, startedAtMs, run, resolve));
  }

  cancelled(held: Held, reason: string): void {
    this.settle(held, { type: "cancelled", reason }, Date.now(), null);
  }

  malformed(held: Held, { message }: Error): void {
    const raw = Buffer.from(held.pulled.msg.data).toString("base64");
    this.settle(held, { type: "malformed", error: message, raw }, held.sinceMs, null);
  }

  giveBack(held: Held, delayMs?: number): void {
    this.#held.giveBack(held, delayMs);
  }

  /** Counts as no try: a newer worker will know what to do. */
  async postpone(held: Held, reason: NewerVersion): Promise<void> {
    const { sql, log } = this.#deps;
    try {
      const job = { ...held.job, body: held.pulled.msg.string() };
      await postpone(sql, { job, stored: held.pulled.stored });
      log.info({ jobId: held.job.id, version: reason.version }, reason.message);
      this.#held.ack(held);
    } catch (error) {
      if (isDataError(error)) return this.malformed(held, error as Error);
      log.warn({ err: error, jobId: held.job.id }, "a newer version's job was not put back; it comes again");
      this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  /** Closes the row of a run that counts as no try. */
  async abandon(held: Held, run: number, later?: { afterMs: number | undefined }): Promise<void> {
    await abandonRun(this.#deps.sql, held.job, run).catch(() => {});
    if (later) await this.putBack([{ held, ...later }]);
    else this.#held.giveBack(held);
  }

  /** Counts as no try, and does not come back by the slow path, as what is given back does. */
  async putBack(notYet: readonly Snoozed[]): Promise<void> {
    const rows = notYet.map(({ held, afterMs }) => ({ job: held.job, stored: held.pulled.stored, afterMs }));
    try {
      await postpone(this.#deps.sql, ...rows);
      for (const { held } of notYet) this.#held.ack(held);
    } catch (error) {
      this.#deps.log.warn({ err: error, kind: this.#contract.kind }, "jobs not put back; they come again");
      for (const { held } of notYet) this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }
}
