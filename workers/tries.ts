/** The tries of one kind that run now in this process: each with its deadline, its core of the machine and its handler. */
import type { Contract, Ending, Received } from "../bus/index.ts";
import { asSaid, type Judged } from "./downstreams/index.ts";
import { contextOf, Deadline, executeBatch, executeOne } from "./execute.ts";
import type { BatchHandler, Handler } from "./handler.ts";
import type { Held } from "./held.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import { traceTries } from "./trace.ts";

/** A group that runs, from {@link Tries.enter} to {@link Tries.leave}. */
export type Turn = { readonly deadline: Deadline; readonly jobs: number };

type Release = () => Promise<void>;

export class Tries {
  readonly #contract: Contract;
  readonly #handler: Handler | BatchHandler;
  readonly #deps: RunnerDeps;
  readonly #isLimited: () => boolean;
  readonly #deadlines = new Set<Deadline>();
  #running = 0;
  #leaving = false;

  constructor(
    contract: Contract,
    handler: Handler | BatchHandler,
    deps: RunnerDeps,
    isLimited: () => boolean,
  ) {
    this.#contract = contract;
    this.#handler = handler;
    this.#deps = deps;
    this.#isLimited = isLimited;
  }

  /** Jobs, those of batches counted one by one. */
  get running(): number {
    return this.#running;
  }

  get isLeaving(): boolean {
    return this.#leaving;
  }

  /** Ends all, because the process leaves. */
  abort(): void {
    this.#leaving = true;
    for (const deadline of this.#deadlines) deadline.abort("the worker is leaving");
  }

  /** Ends those whose time is over. */
  check(nowMs: number): void {
    for (const deadline of this.#deadlines) deadline.check(nowMs);
  }

  /** The try failed because this process leaves: it counts as none. */
  wasAborted(ending: Judged): boolean {
    return this.#leaving && ending.type === "error";
  }

  /** From here on a group of one can be cancelled. Call {@link leave} when all is done. */
  enter(group: readonly Held[]): Turn {
    const deadline = new Deadline(this.#contract.timeoutMs);
    if (group.length === 1) group[0]!.deadline = deadline;
    this.#deadlines.add(deadline);
    this.#running += group.length;
    return { deadline, jobs: group.length };
  }

  leave({ deadline, jobs }: Turn): void {
    this.#running -= jobs;
    this.#deadlines.delete(deadline);
  }

  /** Waits until the machine has a core for kinds that want one to themselves; undefined: this one does not. */
  core({ deadline }: Turn): Promise<Release> | undefined {
    if (!this.#contract.perMachine) return undefined;
    return this.#deps.slots.acquire(deadline.signal).catch(() => async () => {});
  }

  /** What became of each. */
  async execute(group: readonly Held[], { deadline }: Turn): Promise<Judged[]> {
    const { log, tracer, bus, worker } = this.#deps;
    const run = (jobs: readonly Received[]): Promise<Ending[]> => {
      const [first] = jobs;
      const reporter = jobs.length === 1 ? () => bus.progress.reporter(first!, worker) : undefined;
      const context = contextOf(first!, group[0]!.pulled.delivery, deadline, {
        log,
        reporter,
        isLimited: this.#isLimited(),
      });
      if ("runBatch" in this.#handler) return executeBatch(this.#handler, jobs, context, deadline);
      return executeOne(this.#handler, first!, context, deadline);
    };
    const endings = await (tracer.enabled
      ? traceTries(tracer, group, run)
      : run(group.map(held => held.job)));
    // Who leaves has no time to ask.
    return this.#leaving ? endings.map(asSaid) : this.#deps.downstreams.judge(this.#contract, endings);
  }
}
