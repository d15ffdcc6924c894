/** One try: runs the handler against its deadline and turns whatever comes of it into an ending. */
import type { Ending, Job, Received } from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import { traceId } from "../platform/trace.ts";
import type { BatchHandler, Handler, JobContext } from "./handler.ts";

class TimedOut extends Error {
  override name = "TimedOut";
}

/** Logger and signal are made when they are asked for: each costs more than a no-op job. */
export function contextOf(job: Received, delivery: number, deadline: Deadline, log: Log): JobContext {
  let child: Log | undefined;
  return {
    delivery,
    get signal() {
      return deadline.signal;
    },
    get log() {
      child ??= log.child({
        jobId: job.id,
        kind: job.kind,
        attempt: job.attempt,
        traceId: traceId(job.traceparent),
      });
      return child;
    },
  };
}

export async function executeOne(
  handler: Handler,
  job: Job,
  context: JobContext,
  deadline: Deadline,
): Promise<Ending> {
  try {
    return await deadline.race(() => handler.run(job, context));
  } catch (error) {
    return endingOf(error);
  }
}

export async function executeBatch(
  handler: BatchHandler,
  jobs: readonly Job[],
  context: JobContext,
  deadline: Deadline,
): Promise<Ending[]> {
  try {
    const outcomes = await deadline.race(() => handler.runBatch(jobs, context));
    if (outcomes.length !== jobs.length)
      throw new Error(`${outcomes.length} outcomes for ${jobs.length} jobs`);
    return outcomes;
  } catch (error) {
    return jobs.map(() => endingOf(error));
  }
}

function endingOf(error: unknown): Ending {
  if (error instanceof Error)
    return { type: "error", error: `${error.name}: ${error.message}`, stack: error.stack };
  return { type: "error", error: String(error) };
}

/**
 * The time that a try may take. Past it, or when the process leaves, the signal aborts and the try counts as failed,
 * whether the handler listens or not. Its owner calls {@link check} now and then.
 */
export class Deadline {
  readonly #timeoutMs: number;
  /** What waits to be started has all the time. */
  #dueMs = Number.POSITIVE_INFINITY;
  #reason: TimedOut | undefined;
  #controller: AbortController | undefined;
  #reject: (reason: TimedOut) => void = () => {};

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

  abort(reason: string): void {
    if (this.#reason) return;
    this.#reason = new TimedOut(reason);
    this.#controller?.abort(this.#reason);
    this.#reject(this.#reason);
  }

  /** Starts the time and the work; does not start what was aborted before. */
  race<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reason) return Promise.reject(this.#reason);
    this.#dueMs = Date.now() + this.#timeoutMs;
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      work().then(resolve, reject);
    });
  }
}
