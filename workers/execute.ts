/** One try: runs the handler against its deadline and turns whatever comes of it into an ending. */
import type { Ending, Job, Received, Reporter } from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import { traceId } from "../platform/trace.ts";
import type { BatchHandler, Handler, JobContext } from "./handler.ts";

class TimedOut extends Error {
  override name = "TimedOut";
}

/** The reason with which a signal aborts when somebody cancelled the job. */
class Cancelled extends Error {
  override name = "Cancelled";
}

/** Logger, signal and reporter are made when they are asked for: each costs more than a no-op job. */
export function contextOf(
  job: Received,
  delivery: number,
  deadline: Deadline,
  deps: { log: Log; reporter: (() => Reporter) | undefined; isLimited: boolean },
): JobContext & { ended(): void } {
  let child: Log | undefined;
  let reporter: Reporter | undefined;
  return {
    delivery,
    isLimited: deps.isLimited,
    progress(step) {
      reporter ??= deps.reporter?.();
      reporter?.step(step);
    },
    ended: () => reporter?.end(),
    get signal() {
      return deadline.signal;
    },
    get log() {
      child ??= deps.log.child({
        jobId: job.id,
        kind: job.kind,
        attempt: job.attempt,
        traceId: traceId(job.traceparent),
      });
      return child;
    },
  };
}

/** The ending of a batch of one. Not `async`: each further promise is a good part of what a short job takes. */
export function executeOne(
  handler: Handler,
  job: Job,
  context: JobContext & { ended(): void },
  deadline: Deadline,
): Promise<Ending[]> {
  return new Promise(resolve => {
    const end = (ending: Ending) => {
      context.ended();
      resolve([ending]);
    };
    const fail = (error: unknown) => end(endingOf(error));
    if (!deadline.begin(fail)) return;
    try {
      handler.run(job, context).then(end, fail);
    } catch (error) {
      fail(error);
    }
  });
}

/** Halving a batch of 4,000 down to the one job that breaks it takes 24 calls; where all are broken, it ends here. */
const MAX_RERUNS = 48;

/**
 * A job that breaks its batch must not take the others' tries: a batch that throws is run again in halves, within the
 * same time, until the fault is alone. What had its effect in the first call has it again, as in any repeated try.
 */
export async function executeBatch(
  handler: BatchHandler,
  jobs: readonly Job[],
  context: JobContext,
  deadline: Deadline,
): Promise<Ending[]> {
  let rerunsLeft = MAX_RERUNS;
  const run = async (part: readonly Job[]): Promise<Ending[]> => {
    try {
      const outcomes = await deadline.race(() => handler.runBatch(part, context));
      if (outcomes.length !== part.length)
        throw new Error(`${outcomes.length} outcomes for ${part.length} jobs`);
      return outcomes;
    } catch (error) {
      if (part.length === 1 || deadline.isOver || rerunsLeft < 2) return part.map(() => endingOf(error));
      rerunsLeft -= 2;
      const middle = part.length >> 1;
      return [...(await run(part.slice(0, middle))), ...(await run(part.slice(middle)))];
    }
  };
  return run(jobs);
}

function endingOf(error: unknown): Ending {
  if (error instanceof Cancelled) return { type: "cancelled", reason: error.message };
  if (error instanceof Error)
    return { type: "error", error: `${error.name}: ${error.message}`, stack: error.stack };
  return { type: "error", error: String(error) };
}

/**
 * The time that a try may take. Past it, when the process leaves or when the job is cancelled, the signal aborts and
 * the try counts as failed, whether the handler listens or not. Its owner calls {@link check} now and then.
 */
export class Deadline {
  readonly #timeoutMs: number;
  /** What waits to be started has all the time. */
  #dueMs = Number.POSITIVE_INFINITY;
  #reason: TimedOut | Cancelled | undefined;
  #controller: AbortController | undefined;
  #onOver: (reason: TimedOut | Cancelled) => void = () => {};

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  check(nowMs: number): void {
    if (nowMs >= this.#dueMs) this.abort(`no end within ${this.#timeoutMs} ms`);
  }

  /** The time is up, or the try was aborted or cancelled. */
  get isOver(): boolean {
    return this.#reason !== undefined;
  }

  abort(reason: string): void {
    this.#end(new TimedOut(reason));
  }

  cancel(reason: string): void {
    this.#end(new Cancelled(reason));
  }

  #end(reason: TimedOut | Cancelled): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#onOver(reason);
  }

  /** Starts the time, if it does not run yet. `onOver` is told the reason when it is over; false: it was over before. */
  begin(onOver: (reason: TimedOut | Cancelled) => void): boolean {
    this.#onOver = onOver;
    if (this.#reason) onOver(this.#reason);
    else if (this.#dueMs === Number.POSITIVE_INFINITY) this.#dueMs = Date.now() + this.#timeoutMs;
    return this.#reason === undefined;
  }

  /** The same for work that is a promise. What was aborted before is not started. */
  race<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.begin(reject)) work().then(resolve, reject);
    });
  }
}
