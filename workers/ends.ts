/**
 * What becomes of the messages of one kind that this process holds: settled with an outcome (bus/settle.ts), put back for
 * a while under the same try (bus/postpone.ts), or given back to the server, which hands them out again.
 */
import {
  abandonRun,
  type Contract,
  isDataError,
  type NewerVersion,
  OtherKind,
  postpone,
  RateWindow,
  type Settled,
} from "../bus/index.ts";
import type { Held, HeldMessages } from "./held.ts";
import type { KindMetrics } from "./pool-metrics.ts";
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
  readonly #metrics: KindMetrics;

  constructor(contract: Contract, held: HeldMessages, deps: EndsDeps) {
    this.#contract = contract;
    this.#held = held;
    this.#deps = deps;
    this.#metrics = deps.metrics.of(contract.kind);
  }

  settle(held: Held, ending: Settled, startedAtMs: number, onSettled?: () => void): void {
    const contract = this.#contract;
    const run = held.run ?? null;
    const endedAtMs = Date.now();
    this.rates.add(endedAtMs - startedAtMs);
    this.#deps.settler.settle(
      { contract, job: held.job, pulled: held.pulled, startedAtMs, endedAtMs, run, ending },
      status => {
        this.#metrics.settled(status, endedAtMs - startedAtMs);
        this.#held.drop(held);
        onSettled?.();
      },
    );
  }

  /** Settles and waits until that is committed. */
  settled(held: Held, ending: Settled, startedAtMs: number): Promise<void> {
    return new Promise(resolve => this.settle(held, ending, startedAtMs, resolve));
  }

  cancelled(held: Held, reason: string): void {
    this.settle(held, { type: "cancelled", reason }, Date.now());
  }

  malformed(held: Held, { message }: Error): void {
    const raw = Buffer.from(held.pulled.msg.data).toString("base64");
    this.settle(held, { type: "malformed", error: message, raw }, held.sinceMs);
  }

  /** Counts as no try. A row that could not be closed is closed as a kill, should this process die. */
  async giveBack(held: Held, delayMs?: number): Promise<void> {
    await this.#closeRow(held);
    this.#held.giveBack(held, delayMs);
  }

  ackOnly(held: Held): void {
    this.#held.ack(held);
  }

  /** Counts as no try: a newer worker, or the consumer of its kind, will know what to do. */
  async postpone(held: Held, reason: NewerVersion | OtherKind): Promise<void> {
    const { sql, log } = this.#deps;
    try {
      const belongsTo = reason instanceof OtherKind ? reason.belongsTo : undefined;
      const job = { ...held.job, ...belongsTo, body: held.pulled.msg.string() };
      await postpone(sql, { job, stored: held.pulled.stored });
      log.info({ jobId: held.job.id }, reason.message);
      this.#held.ack(held);
    } catch (error) {
      if (isDataError(error)) return this.malformed(held, error as Error);
      log.warn(
        { err: error, jobId: held.job.id },
        "a job that is not for this worker was not put back; it comes again",
      );
      this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  /** Counts as no try, and comes back as if it had never been delivered, unlike what is given back. */
  async putBack(notYet: readonly Snoozed[]): Promise<void> {
    await Promise.all(notYet.map(({ held }) => this.#closeRow(held)));
    const rows = notYet.map(({ held, afterMs }) => ({ job: held.job, stored: held.pulled.stored, afterMs }));
    try {
      await postpone(this.#deps.sql, ...rows);
      for (const { held } of notYet) this.#held.ack(held);
    } catch (error) {
      this.#deps.log.warn({ err: error, kind: this.#contract.kind }, "jobs not put back; they come again");
      for (const { held } of notYet) this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  async #closeRow({ job, run }: Held): Promise<void> {
    if (run !== undefined) await abandonRun(this.#deps.sql, job, run).catch(() => {});
  }
}
