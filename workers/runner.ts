/**
 * One kind in one process: receive → decode → run → settle.
 *
 * A message is held from its arrival until it is settled or given back; held messages get heartbeats, so that the
 * server keeps them with us. New messages run in groups of `concurrency` (or as batches); messages that were delivered
 * before take the slow path, one at a time and alone in the process (bus/tries.ts).
 */

import type { Bus } from "../bus/index.ts";
import {
  abandonRun,
  acks,
  beginRun,
  type Contract,
  decode,
  durableOf,
  type Ending,
  envelopeOf,
  HEARTBEAT_MS,
  type Pulled,
  type Puller,
  RateWindow,
  type Received,
  type Settler,
  shareRun,
  startPull,
  streamOf,
} from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import { contextOf, Deadline, executeBatch, executeOne } from "./execute.ts";
import type { Gate, Ticket } from "./gate.ts";
import type { BatchHandler, Handler } from "./handler.ts";
import type { MachineSlots } from "./machine-slots.ts";
import type { PoolMetrics } from "./pool-metrics.ts";

export type RunnerDeps = {
  readonly bus: Bus;
  readonly sql: Db;
  readonly log: Log;
  readonly gate: Gate;
  readonly settler: Settler;
  readonly slots: MachineSlots;
  readonly metrics: PoolMetrics;
  readonly worker: string;
};

type Held = {
  readonly pulled: Pulled;
  readonly job: Received;
  readonly sinceMs: number;
  readonly puller: Puller;
};

type SlowRun = { readonly held: Held; run: number | null };

type Settle = (held: Held, ending: Ending, startedAtMs: number, run: number | null) => void | Promise<void>;

/** How long a message rests that another live worker may still be working on. */
const STALLED_PAUSE_MS = 1_000;
/** Messages younger than this need no heartbeat yet. */
const YOUNG_MS = HEARTBEAT_MS / 2;

export class Runner {
  readonly contract: Contract;
  readonly rates = new RateWindow();
  readonly #deps: RunnerDeps;
  readonly #handler: Handler | BatchHandler;
  readonly #held = new Set<Held>();
  readonly #deadlines = new Set<Deadline>();
  #ready: Held[] = [];
  #again: Held[] = [];
  /** Jobs or batches that run now, and the jobs in them. */
  #groups = 0;
  #running = 0;
  #slowBusy = false;
  #leaving = false;
  #puller: Puller | undefined;
  #batchTimer: Timer | undefined;
  #batchDue = false;

  constructor(contract: Contract, handler: Handler | BatchHandler, deps: RunnerDeps) {
    this.contract = contract;
    this.#handler = handler;
    this.#deps = deps;
  }

  get running(): number {
    return this.#running;
  }

  get held(): number {
    return this.#held.size;
  }

  start(): void {
    if (this.#puller || this.#leaving) return;
    const puller: Puller = startPull({
      connection: this.#deps.bus.connection,
      stream: streamOf(this.contract.priority),
      durable: durableOf(this.contract.kind),
      limit: this.contract.prefetch,
      onMessage: pulled => this.#receive(pulled, puller),
      onRefused: reason => this.#deps.log.warn({ kind: this.contract.kind, reason }, "pull refused"),
    });
    this.#puller = puller;
  }

  /** Takes no more and gives back what has not started. Running jobs go on. */
  async stop(): Promise<void> {
    const puller = this.#puller;
    this.#puller = undefined;
    await puller?.stop();
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    this.#batchDue = false;
    for (const held of [...this.#ready, ...this.#again]) this.#giveBack(held);
    this.#ready = [];
    this.#again = [];
  }

  /** Ends the tries that are still running, because the process leaves: they are given back and count as no try. */
  abort(): void {
    this.#leaving = true;
    for (const deadline of this.#deadlines) deadline.abort("the worker is leaving");
  }

  beat(): void {
    const { nc } = this.#deps.bus.connection;
    const youngest = Date.now() - YOUNG_MS;
    for (const held of this.#held) if (held.sinceMs <= youngest) acks.working(nc, held.pulled.msg);
  }

  /** Aborts tries whose time is over. */
  checkDeadlines(): void {
    const nowMs = Date.now();
    for (const deadline of this.#deadlines) deadline.check(nowMs);
  }

  /** Starts what may start. Called whenever something changed. */
  pump(): void {
    if (this.#again.length > 0 && !this.#slowBusy) void this.#runAgain();
    while (this.#ready.length > 0 && this.#groups < this.contract.concurrency && this.#isDue()) {
      const ticket = this.#deps.gate.tryEnter();
      if (!ticket) return;
      const group = this.#ready.splice(0, this.contract.batch?.max ?? 1);
      this.#batchDue = false;
      void this.#runGroup(group, ticket);
    }
  }

  #receive(pulled: Pulled, puller: Puller): void {
    const sinceMs = Date.now();
    try {
      const held = { pulled, puller, sinceMs, job: decode(this.contract, pulled.msg) };
      this.#held.add(held);
      (pulled.delivery > 1 ? this.#again : this.#ready).push(held);
      this.pump();
    } catch (error) {
      const job = { ...envelopeOf(this.contract, pulled.msg), payload: null, body: "null" };
      const held = { pulled, puller, sinceMs, job };
      this.#held.add(held);
      const raw = Buffer.from(pulled.msg.data).toString("base64");
      this.#settle(held, { type: "malformed", error: (error as Error).message, raw }, sinceMs, null);
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
    this.#groups++;
    await this.#run(group, null);
    this.#groups--;
    this.#deps.gate.leave(ticket);
    this.pump();
  }

  /** The slow path: the gate gives one message after the other a turn. */
  async #runAgain(): Promise<void> {
    this.#slowBusy = true;
    for (let held = this.#nextAgain(); held; held = this.#nextAgain()) {
      const slow: SlowRun = { held, run: null };
      await this.#deps.gate.alone(
        alone => this.#rerun(slow, alone),
        () => this.#share(slow),
      );
    }
    this.#slowBusy = false;
  }

  #nextAgain(): Held | undefined {
    return this.#groups < this.contract.concurrency ? this.#again.shift() : undefined;
  }

  async #rerun(slow: SlowRun, alone: boolean): Promise<void> {
    this.#groups++;
    try {
      await this.#judgeAndRun(slow, alone);
    } catch (error) {
      this.#deps.log.warn(
        { err: error, jobId: slow.held.job.id },
        "a redelivered job could not start; it goes back",
      );
      this.#giveBack(slow.held, STALLED_PAUSE_MS);
    }
    this.#groups--;
    this.pump();
  }

  async #judgeAndRun(slow: SlowRun, alone: boolean): Promise<void> {
    const { sql, worker, bus } = this.#deps;
    const { held } = slow;
    const liveWorkers = (await bus.registry.allLive()).map(beat => beat.worker);
    const verdict = await beginRun(sql, held.job, { worker, alone, liveWorkers });
    if (verdict.type === "settled") return this.#ackOnly(held);
    if (verdict.type === "running") return this.#giveBack(held, STALLED_PAUSE_MS);
    if (verdict.type === "killer") {
      const error = `the job killed its worker ${verdict.kills} times`;
      return this.#settled(held, { type: "killed_worker", error }, Date.now(), verdict.run);
    }
    slow.run = verdict.run;
    // Until its end is committed the row is open, and a kill of this process by the next job would be blamed on it.
    await this.#run([held], verdict.run, (...end) => this.#settled(...end));
  }

  /** From here on a kill is no proof against this run. */
  #share({ held, run }: SlowRun): void {
    if (run === null) return;
    shareRun(this.#deps.sql, held.job, run).catch(error =>
      this.#deps.log.warn({ err: error }, "run not marked as shared"),
    );
  }

  async #run(
    group: Held[],
    run: number | null,
    settle: Settle = (...end) => this.#settle(...end),
  ): Promise<void> {
    const deadline = new Deadline(this.contract.timeoutMs);
    this.#deadlines.add(deadline);
    this.#running += group.length;
    const release = await this.#slot(deadline);
    const startedAtMs = Date.now();
    const endings = await this.#execute(group, deadline);
    await release?.();
    this.#running -= group.length;
    this.#deadlines.delete(deadline);
    for (const [i, held] of group.entries()) {
      if (this.#leaving && endings[i]!.type === "error") this.#abandon(held, run);
      else await settle(held, endings[i]!, startedAtMs, run);
    }
  }

  async #slot(deadline: Deadline): Promise<(() => Promise<void>) | undefined> {
    if (!this.contract.perMachine) return undefined;
    return this.#deps.slots.acquire(deadline.signal).catch(() => undefined);
  }

  async #execute(group: Held[], deadline: Deadline): Promise<Ending[]> {
    const [first] = group;
    const context = contextOf(first!.job, first!.pulled.delivery, deadline, this.#deps.log);
    if ("runBatch" in this.#handler) {
      const jobs = group.map(held => held.job);
      return executeBatch(this.#handler, jobs, context, deadline);
    }
    return [await executeOne(this.#handler, first!.job, context, deadline)];
  }

  #settle(held: Held, ending: Ending, startedAtMs: number, run: number | null, onSettled?: () => void): void {
    const { contract } = this;
    const endedAtMs = Date.now();
    this.rates.add(endedAtMs - startedAtMs);
    this.#deps.settler.settle(
      { contract, job: held.job, pulled: held.pulled, startedAtMs, endedAtMs, run, ending },
      status => {
        this.#deps.metrics.settled(contract.kind, status, endedAtMs - startedAtMs);
        this.#drop(held);
        onSettled?.();
      },
    );
  }

  /** Settles and waits until that is committed. */
  #settled(held: Held, ending: Ending, startedAtMs: number, run: number | null): Promise<void> {
    return new Promise(resolve => this.#settle(held, ending, startedAtMs, run, resolve));
  }

  #ackOnly(held: Held): void {
    acks.ack(this.#deps.bus.connection.nc, held.pulled.msg);
    this.#drop(held);
  }

  #giveBack(held: Held, delayMs = 0): void {
    acks.nak(this.#deps.bus.connection.nc, held.pulled.msg, delayMs);
    this.#drop(held);
  }

  #abandon(held: Held, run: number | null): void {
    const closed = run === null ? Promise.resolve() : abandonRun(this.#deps.sql, held.job, run);
    closed.catch(() => {}).finally(() => this.#giveBack(held));
  }

  #drop(held: Held): void {
    this.#held.delete(held);
    held.puller.release();
  }
}
