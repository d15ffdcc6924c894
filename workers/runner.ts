/**
 * One kind in one process: receive → decode → run → settle.
 *
 * A message is held from its arrival until it is settled or given back (held.ts). New messages pass their last check
 * (admission.ts) and run in groups of `concurrency` or as batches (tries.ts). Messages that were delivered before run among
 * them, under a row each (beside.ts), or, few at a time and suspects, alone (slow-path.ts). What becomes of them is in ends.ts.
 */
import {
  type Contract,
  decode,
  durableOf,
  envelopeOf,
  NewerVersion,
  OtherKind,
  type Pulled,
  type Puller,
  type Rate,
  type RateWindow,
  startPull,
  streamOf,
} from "../bus/index.ts";
import { Admission } from "./admission.ts";
import { Beside, MOST_IN_BATCH } from "./beside.ts";
import type { Judged } from "./downstreams/index.ts";
import { Ends, type Snoozed } from "./ends.ts";
import type { Ticket } from "./gate.ts";
import type { BatchHandler, Handler } from "./handler.ts";
import { type Held, HeldMessages, wasDeliveredBefore } from "./held.ts";
import { Refuser } from "./refuser.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import { SlowPath } from "./slow-path.ts";
import { Throttle } from "./throttle.ts";
import { Tries } from "./tries.ts";

/**
 * How long a message rests whose job this process has already: it was stalled or cut off for longer than the ack wait, and
 * the server handed the message out again. The end of the job that is at work acknowledges this delivery, too.
 */
const HERE_PAUSE_MS = 1_000;

/** From this many jobs a batch on much comes, and the next may wait for more. */
const MUCH = 4;

export class Runner {
  readonly contract: Contract;
  readonly #deps: RunnerDeps;
  readonly #held: HeldMessages;
  readonly #ends: Ends;
  readonly #admission: Admission;
  readonly #tries: Tries;
  readonly #slowPath: SlowPath;
  readonly #beside: Beside;
  readonly #throttle: Throttle;
  readonly #ready: Held[] = [];
  /** Jobs or batches that run now. */
  #groups = 0;
  #wanted = false;
  #puller: Puller | undefined;
  #batchTimer: Timer | undefined;
  #batchDue = false;
  #batchBeganAt = Number.NEGATIVE_INFINITY;
  #batchSize = 0;

  constructor(contract: Contract, handler: Handler | BatchHandler, deps: RunnerDeps) {
    this.contract = contract;
    this.#deps = deps;
    this.#held = new HeldMessages(deps.bus);
    this.#tries = new Tries(contract, handler, deps, () => this.#throttle.isLimited);
    this.#ends = new Ends(contract, this.#held, deps);
    this.#admission = new Admission(contract, this.#ends, deps);
    this.#throttle = new Throttle(deps, contract.kind, () => this.pump());
    const refuser = new Refuser(this.#ends, deps.cancellations);
    const host = {
      hasRoom: () => this.#groups < this.contract.concurrency && this.#throttle.take(1) === 1,
      occupy: (work: () => Promise<void>) => this.#occupy(work),
      runUnderRow: (held: Held, open: () => Promise<boolean>) => this.#runUnderRow(held, open),
    };
    this.#slowPath = new SlowPath(deps, host, refuser);
    this.#beside = new Beside(deps, refuser, held => this.#slowPath.push(held));
  }

  get rates(): RateWindow {
    return this.#ends.rates;
  }

  get running(): number {
    return this.#tries.running;
  }

  get held(): number {
    return this.#held.size;
  }

  start(): void {
    this.#wanted = true;
    this.#open();
  }

  #open(): void {
    if (!this.#wanted || this.#puller || this.#tries.isLeaving) return;
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
    if (ready.length > 0) void this.#ends.putBack(ready.map(held => ({ held, afterMs: undefined })));
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
    this.#tries.abort();
  }

  beat(): void {
    this.#held.beat();
  }

  /** Aborts tries whose time is over. */
  checkDeadlines(): void {
    this.#tries.check(Date.now());
  }

  /** Ends a job that waits here or runs by itself; one that runs in a batch goes on. */
  cancel(jobId: string, reason: string): void {
    const held = this.#held.find(jobId);
    const at = held ? this.#ready.indexOf(held) : -1;
    if (at >= 0) {
      this.#ready.splice(at, 1);
      this.#ends.cancelled(held!, reason);
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
      this.#batchBeganAt = performance.now();
      this.#batchSize = group.length;
      void this.#runGroup(group, ticket);
    }
  }

  /** How many of the ready jobs the next group takes; 0: the rate limit says not yet, and calls {@link pump}. */
  #mayStart(): number {
    const { concurrency } = this.contract;
    const most = this.#mostInGroup();
    const ready = this.#ready.length;
    return this.#throttle.take(Math.min(ready, most), Math.min(ready, (concurrency - this.#groups) * most));
  }

  #mostInGroup(): number {
    const most = this.contract.batch?.max ?? 1;
    if (most <= MOST_IN_BATCH || !this.#ready.slice(0, most).some(wasDeliveredBefore)) return most;
    return MOST_IN_BATCH;
  }

  #receive(pulled: Pulled, puller: Puller): void {
    const sinceMs = Date.now();
    try {
      const job = decode(this.contract, pulled.msg);
      const isHere = pulled.delivery > 1 && this.#held.find(job.id) !== undefined;
      const held = this.#held.add({ pulled, puller, sinceMs, job });
      if (isHere) this.#held.giveBack(held, HERE_PAUSE_MS);
      else if (wasDeliveredBefore(held) && this.#slowPath.isShort) this.#slowPath.push(held);
      else this.#ready.push(held);
      this.pump();
    } catch (error) {
      const job = envelopeOf(this.contract, pulled.msg);
      const held = this.#held.add({ pulled, puller, sinceMs, job });
      if (error instanceof NewerVersion || error instanceof OtherKind) void this.#ends.postpone(held, error);
      else this.#ends.malformed(held, error as Error);
    }
  }

  /** A batch starts when it is full or its time has come. */
  #isDue(): boolean {
    const { batch } = this.contract;
    if (!batch || this.#batchDue || this.#ready.length >= batch.max) return true;
    if (!this.#batchTimer) this.#wait(batch);
    return false;
  }

  /** `waitMs`, and again as long as more comes, until the batch before began `apartMs` ago. */
  #wait(batch: NonNullable<Contract["batch"]>): void {
    const { waitMs, apartMs = 0 } = batch;
    const ready = this.#ready.length;
    this.#batchTimer = setTimeout(() => {
      this.#batchTimer = undefined;
      const isMuch = this.#batchSize >= MUCH && this.#ready.length > ready;
      if (isMuch && performance.now() < this.#batchBeganAt + apartMs) return this.#wait(batch);
      this.#batchDue = true;
      this.pump();
    }, waitMs);
  }

  async #runGroup(group: Held[], ticket: Ticket): Promise<void> {
    this.#groups++;
    try {
      const isUnderRows = group.some(wasDeliveredBefore);
      const passing = isUnderRows ? undefined : this.#admission.pass(group);
      if (passing) await passing;
      if (group.length > 0) await this.#run(group, isUnderRows);
    } finally {
      this.#deps.gate.leave(ticket);
      this.#groups--;
      this.pump();
    }
  }

  async #occupy(work: () => Promise<void>): Promise<void> {
    this.#groups++;
    try {
      await work();
    } finally {
      this.#groups--;
      this.pump();
    }
  }

  /** An `await` for nothing is a good part of a short job: there is none here that need not be. */
  async #run(group: Held[], isUnderRows: boolean): Promise<void> {
    const turn = this.#tries.enter(group);
    const waiting = this.#tries.core(turn);
    const release = waiting && (await waiting);
    try {
      if (isUnderRows && !(await this.#openRows(group))) return;
      const startedAtMs = Date.now();
      const notYet = this.#end(group, await this.#tries.execute(group, turn), startedAtMs);
      if (notYet.length > 0) await this.#ends.putBack(notYet);
    } finally {
      if (release) await release();
      this.#tries.leave(turn);
    }
  }

  /** Settles what has ended, and returns what has not. */
  #end(group: readonly Held[], endings: readonly Judged[], startedAtMs: number): Snoozed[] {
    const notYet: Snoozed[] = [];
    for (let i = 0; i < group.length; i++) {
      const held = group[i]!;
      const ending = endings[i]!;
      if (this.#tries.wasAborted(ending)) void this.#ends.giveBack(held);
      else if (ending.type === "snooze") notYet.push({ held, afterMs: ending.afterMs });
      else this.#ends.settle(held, ending, startedAtMs);
    }
    return notYet;
  }

  /** Rows are opened when the machine has a core for the jobs, or they would tell of jobs that do not run. False: none does. */
  async #openRows(group: Held[]): Promise<boolean> {
    await this.#beside.open(group);
    await this.#admission.pass(group);
    return group.length > 0;
  }

  /** As {@link SlowPathHost} asks. */
  async #runUnderRow(held: Held, open: () => Promise<boolean>): Promise<void> {
    const turn = this.#tries.enter([held]);
    const release = await this.#tries.core(turn);
    try {
      if (!(await open())) return;
      if (held.job.isUnique && !(await this.#admission.claimGivenUp(held))) {
        await this.#ends.giveBack(held);
        return;
      }
      const startedAtMs = Date.now();
      const [ending] = await this.#tries.execute([held], turn);
      if (this.#tries.wasAborted(ending!)) await this.#ends.giveBack(held);
      else if (ending!.type === "snooze") await this.#ends.putBack([{ held, afterMs: ending!.afterMs }]);
      else await this.#ends.settled(held, ending!, startedAtMs);
    } finally {
      if (release) await release();
      this.#tries.leave(turn);
    }
  }
}
