/**
 * One kind in one process: receive → decode → run → settle.
 *
 * A message is held from its arrival until it is settled or given back (held.ts). New messages run in groups of `concurrency` (or as batches); messages that were delivered
 * before take the slow path (slow-path.ts).
 */
import type { Bus } from "../bus/index.ts";
import {
  abandonRun,
  type Cancellations,
  type Contract,
  decode,
  durableOf,
  type Ending,
  envelopeOf,
  isDataError,
  NewerVersion,
  type Pulled,
  type Puller,
  postpone,
  type Rate,
  RateWindow,
  type Received,
  type Settled,
  type Settler,
  startPull,
  startUnique,
  streamOf,
} from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import type { Tracer } from "../platform/tracing/index.ts";
import { asSaid, type Downstreams, type Judged } from "./downstreams/index.ts";
import { contextOf, Deadline, executeBatch, executeOne } from "./execute.ts";
import type { Gate, Ticket } from "./gate.ts";
import type { BatchHandler, Handler } from "./handler.ts";
import { type Held, HeldMessages } from "./held.ts";
import type { MachineSlots } from "./machine-slots.ts";
import type { PoolMetrics } from "./pool-metrics.ts";
import { SlowPath } from "./slow-path.ts";
import { Throttle } from "./throttle.ts";
import { traceTries } from "./trace.ts";

const UNWRITTEN_PAUSE_MS = 1_000;

type Snoozed = { readonly held: Held; readonly afterMs: number | undefined };

export type RunnerDeps = {
  readonly bus: Bus;
  readonly sql: Db;
  readonly log: Log;
  readonly gate: Gate;
  readonly settler: Settler;
  readonly slots: MachineSlots;
  readonly metrics: PoolMetrics;
  readonly tracer: Tracer;
  readonly downstreams: Downstreams;
  readonly worker: string;
  readonly cancellations: Pick<Cancellations, "size" | "reasonFor">;
};

export class Runner {
  readonly contract: Contract;
  readonly rates = new RateWindow();
  readonly #deps: RunnerDeps;
  readonly #handler: Handler | BatchHandler;
  readonly #held: HeldMessages;
  readonly #deadlines = new Set<Deadline>();
  readonly #slowPath: SlowPath;
  readonly #throttle: Throttle;
  readonly #ready: Held[] = [];
  /** Jobs or batches that run now, and the jobs in them. */
  #groups = 0;
  #running = 0;
  #wanted = false;
  #leaving = false;
  #puller: Puller | undefined;
  #batchTimer: Timer | undefined;
  #batchDue = false;

  constructor(contract: Contract, handler: Handler | BatchHandler, deps: RunnerDeps) {
    this.contract = contract;
    this.#handler = handler;
    this.#deps = deps;
    this.#held = new HeldMessages(deps.bus);
    this.#throttle = new Throttle(deps, contract.kind, () => this.pump());
    this.#slowPath = new SlowPath(deps, {
      hasRoom: () => this.#groups < this.contract.concurrency && this.#throttle.take(1) === 1,
      occupy: work => this.#occupy(work),
      runUnderRow: (held, open) => this.#runUnderRow(held, open),
      settled: (held, ending, startedAtMs, run) => this.#settled(held, ending, startedAtMs, run),
      ackOnly: held => this.#held.ack(held),
      giveBack: (held, delayMs) => this.#held.giveBack(held, delayMs),
    });
  }

  get running(): number {
    return this.#running;
  }

  get held(): number {
    return this.#held.size;
  }

  start(): void {
    this.#wanted = true;
    this.#open();
  }

  #open(): void {
    if (!this.#wanted || this.#puller || this.#leaving) return;
    const puller: Puller = startPull({
      connection: this.#deps.bus.connection,
      stream: streamOf(this.contract.priority),
      durable: durableOf(this.contract.kind),
      limit: this.#heldAtMost(),
      onMessage: pulled => this.#receive(pulled, puller),
      onRefused: reason => this.#deps.log.warn({ kind: this.contract.kind, reason }, "pull refused"),
    });
    this.#puller = puller;
  }

  /** Who waits for a rate limit holds no more than could run. */
  #heldAtMost(): number {
    const { prefetch, concurrency, batch } = this.contract;
    return this.#throttle.isLimited ? Math.min(prefetch, concurrency * (batch?.max ?? 1)) : prefetch;
  }

  /** Puts another rate limit into force, or none. */
  async setRate(rate: Rate | null): Promise<void> {
    const wasLimited = this.#throttle.isLimited;
    this.#throttle.set(rate);
    if (!this.#puller || wasLimited === this.#throttle.isLimited) return;
    await this.#close();
    this.#open();
  }

  /** Takes no more and gives back what has not started. Running jobs go on. */
  stop(): Promise<void> {
    this.#wanted = false;
    return this.#close();
  }

  /** The same because what the kind needs is away: what has not started is put back for some seconds. */
  async rest(): Promise<void> {
    const ready = this.#ready.splice(0);
    if (ready.length > 0) void this.#putBack(ready.map(held => ({ held, afterMs: undefined })));
    await this.stop();
  }

  async #close(): Promise<void> {
    const puller = this.#puller;
    this.#puller = undefined;
    this.#throttle.clear();
    await puller?.stop();
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    this.#batchDue = false;
    for (const held of [...this.#ready.splice(0), ...this.#slowPath.clear()]) this.#held.giveBack(held);
  }

  /** Ends the tries that are still running, because the process leaves: they are given back and count as no try. */
  abort(): void {
    this.#leaving = true;
    for (const deadline of this.#deadlines) deadline.abort("the worker is leaving");
  }

  beat(): void {
    this.#held.beat();
  }

  /** Aborts tries whose time is over. */
  checkDeadlines(): void {
    const nowMs = Date.now();
    for (const deadline of this.#deadlines) deadline.check(nowMs);
  }

  /** Ends a job that waits here or runs by itself; one that runs in a batch goes on. */
  cancel(jobId: string, reason: string): void {
    const held = this.#held.find(jobId);
    const at = held ? this.#ready.indexOf(held) : -1;
    if (at >= 0) {
      this.#ready.splice(at, 1);
      this.#settle(held!, { type: "cancelled", reason }, Date.now(), null);
    } else held?.deadline?.cancel(reason);
  }

  /** Starts what may start. Called whenever something changed. */
  pump(): void {
    this.#slowPath.pump();
    while (this.#ready.length > 0 && this.#groups < this.contract.concurrency && this.#isDue()) {
      const jobs = this.#mayStart();
      if (jobs === 0) return;
      const ticket = this.#deps.gate.tryEnter();
      if (!ticket) {
        this.#throttle.giveBack(jobs);
        return;
      }
      const group = this.#ready.splice(0, jobs);
      this.#batchDue = false;
      void this.#runGroup(group, ticket);
    }
  }

  /** How many of the ready jobs the next group takes; 0: the rate limit says not yet, and calls {@link pump}. */
  #mayStart(): number {
    const { concurrency, batch } = this.contract;
    const most = batch?.max ?? 1;
    const ready = this.#ready.length;
    return this.#throttle.take(Math.min(ready, most), Math.min(ready, (concurrency - this.#groups) * most));
  }

  #receive(pulled: Pulled, puller: Puller): void {
    const sinceMs = Date.now();
    try {
      const held = this.#held.add({ pulled, puller, sinceMs, job: decode(this.contract, pulled.msg) });
      (pulled.delivery > 1 ? this.#slowPath : this.#ready).push(held);
      this.pump();
    } catch (error) {
      const job = { ...envelopeOf(this.contract, pulled.msg), payload: null, body: "null" };
      const held = this.#held.add({ pulled, puller, sinceMs, job });
      if (error instanceof NewerVersion) void this.#postpone(held, error);
      else this.#malformed(held, error as Error);
    }
  }

  #malformed(held: Held, { message }: Error): void {
    const raw = Buffer.from(held.pulled.msg.data).toString("base64");
    this.#settle(held, { type: "malformed", error: message, raw }, held.sinceMs, null);
  }

  /** Counts as no try: a newer worker will know what to do. */
  async #postpone(held: Held, reason: NewerVersion): Promise<void> {
    const { sql, log } = this.#deps;
    try {
      const job = { ...held.job, body: held.pulled.msg.string() };
      await postpone(sql, { job, stored: held.pulled.stored });
      log.info({ jobId: held.job.id, version: reason.version }, reason.message);
      this.#held.ack(held);
    } catch (error) {
      if (isDataError(error)) return this.#malformed(held, error as Error);
      log.warn({ err: error, jobId: held.job.id }, "a newer version's job was not put back; it comes again");
      this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  /** A batch starts when it is full or its time has come. */
  #isDue(): boolean {
    const { batch } = this.contract;
    if (!batch || this.#batchDue || this.#ready.length >= batch.max) return true;
    this.#batchTimer ??= setTimeout(() => {
      this.#batchTimer = undefined;
      this.#batchDue = true;
      this.pump();
    }, batch.waitMs);
    return false;
  }

  async #runGroup(group: Held[], ticket: Ticket): Promise<void> {
    await this.#occupy(async () => {
      await this.#run(group).finally(() => this.#deps.gate.leave(ticket));
    });
  }

  async #occupy(work: () => Promise<void>): Promise<void> {
    this.#groups++;
    await work();
    this.#groups--;
    this.pump();
  }

  async #run(group: Held[]): Promise<void> {
    if (this.#deps.cancellations.size > 0)
      this.#leaveOut(group, id => this.#deps.cancellations.reasonFor(id));
    if (group.some(held => held.job.isUnique)) await this.#startUnique(group);
    if (group.length === 0) return;
    await this.#withDeadline(group, async deadline => {
      const startedAtMs = Date.now();
      const endings = await this.#execute(group, deadline);
      const notYet: Snoozed[] = [];
      for (const [i, held] of group.entries()) {
        const ending = endings[i]!;
        if (this.#wasAborted(ending)) this.#held.giveBack(held);
        else if (ending.type === "snooze") notYet.push({ held, afterMs: ending.afterMs });
        else this.#settle(held, ending, startedAtMs, null);
      }
      if (notYet.length > 0) await this.#putBack(notYet);
    });
  }

  /** Gives up claims that end at the start, and leaves out what was cancelled; all, when that can't be told. */
  async #startUnique(group: Held[]): Promise<void> {
    const ids = group.filter(held => held.job.isUnique).map(held => held.job.id);
    try {
      const cancelled = await startUnique(this.#deps.sql, ids);
      this.#leaveOut(group, id => (cancelled.has(id) ? "cancelled" : undefined));
    } catch (error) {
      this.#deps.log.warn({ err: error, kind: this.contract.kind }, "claims not given up; the jobs go back");
      for (const held of group.splice(0)) this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }

  /** False: that could not be told. What is to be cancelled, `bus.begin_run` has found already. */
  #claimGivenUp(held: Held): Promise<boolean> {
    return startUnique(this.#deps.sql, [held.job.id]).then(
      () => true,
      () => false,
    );
  }

  /** Settles those as cancelled for which there is a reason. */
  #leaveOut(group: Held[], reasonFor: (id: string) => string | undefined): void {
    for (let i = group.length - 1; i >= 0; i--) {
      const reason = reasonFor(group[i]!.job.id);
      if (reason === undefined) continue;
      const [held] = group.splice(i, 1);
      this.#settle(held!, { type: "cancelled", reason }, Date.now(), null);
    }
  }

  /** As {@link SlowPathHost} asks. */
  async #runUnderRow(held: Held, open: () => Promise<number | null>): Promise<void> {
    await this.#withDeadline([held], async deadline => {
      const run = await open();
      if (run === null) return;
      if (held.job.isUnique && !(await this.#claimGivenUp(held))) return this.#abandon(held, run);
      const startedAtMs = Date.now();
      const [ending] = await this.#execute([held], deadline);
      if (this.#wasAborted(ending!)) await this.#abandon(held, run);
      else if (ending!.type === "snooze") await this.#abandon(held, run, { afterMs: ending!.afterMs });
      else await this.#settled(held, ending!, startedAtMs, run);
    });
  }

  async #withDeadline(group: readonly Held[], work: (deadline: Deadline) => Promise<void>): Promise<void> {
    const deadline = new Deadline(this.contract.timeoutMs);
    if (group.length === 1) group[0]!.deadline = deadline;
    this.#deadlines.add(deadline);
    this.#running += group.length;
    const release = await this.#slot(deadline);
    try {
      await work(deadline);
    } finally {
      await release?.();
      this.#running -= group.length;
      this.#deadlines.delete(deadline);
    }
  }

  /** The try failed because this process leaves: it counts as none. */
  #wasAborted(ending: Judged): boolean {
    return this.#leaving && ending.type === "error";
  }

  async #slot(deadline: Deadline): Promise<(() => Promise<void>) | undefined> {
    if (!this.contract.perMachine) return undefined;
    return this.#deps.slots.acquire(deadline.signal).catch(() => undefined);
  }

  async #execute(group: Held[], deadline: Deadline): Promise<Judged[]> {
    const { log, tracer, bus, worker } = this.#deps;
    const run = async (jobs: readonly Received[]): Promise<Ending[]> => {
      const [first] = jobs;
      const reporter = jobs.length === 1 ? () => bus.progress.reporter(first!, worker) : undefined;
      const context = contextOf(first!, group[0]!.pulled.delivery, deadline, { log, reporter });
      if ("runBatch" in this.#handler) return executeBatch(this.#handler, jobs, context, deadline);
      const ending = await executeOne(this.#handler, first!, context, deadline);
      context.ended();
      return [ending];
    };
    const endings = await (tracer.enabled
      ? traceTries(tracer, group, run)
      : run(group.map(held => held.job)));
    // Who leaves has no time to ask.
    return this.#leaving ? endings.map(asSaid) : this.#deps.downstreams.judge(this.contract, endings);
  }

  #settle(
    held: Held,
    ending: Settled,
    startedAtMs: number,
    run: number | null,
    onSettled?: () => void,
  ): void {
    const { contract } = this;
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
  #settled(held: Held, ending: Settled, startedAtMs: number, run: number | null): Promise<void> {
    return new Promise(resolve => this.#settle(held, ending, startedAtMs, run, resolve));
  }

  async #abandon(held: Held, run: number, later?: { afterMs: number | undefined }): Promise<void> {
    await abandonRun(this.#deps.sql, held.job, run).catch(() => {});
    if (later) await this.#putBack([{ held, ...later }]);
    else this.#held.giveBack(held);
  }

  /** Counts as no try, and does not come back by the slow path, as what is given back does. */
  async #putBack(notYet: readonly Snoozed[]): Promise<void> {
    const rows = notYet.map(({ held, afterMs }) => ({ job: held.job, stored: held.pulled.stored, afterMs }));
    try {
      await postpone(this.#deps.sql, ...rows);
      for (const { held } of notYet) this.#held.ack(held);
    } catch (error) {
      this.#deps.log.warn({ err: error, kind: this.contract.kind }, "jobs not put back; they come again");
      for (const { held } of notYet) this.#held.giveBack(held, UNWRITTEN_PAUSE_MS);
    }
  }
}
