/** One try: runs the handler against its deadline and turns whatever comes of it into an ending. */
import type { Ending, Job, Received } from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import { traceId } from "../platform/trace.ts";
import type { BatchHandler, Handler, JobContext } from "./handler.ts";

class TimedOut extends Error {
  override name = "TimedOut";
}

export type Running = { readonly abort: AbortController };

/** Lazily: most jobs log nothing, and a child logger costs more than a no-op job. */
export function contextOf(job: Received, delivery: number, signal: AbortSignal, log: Log): JobContext {
  let child: Log | undefined;
  return {
    signal,
    delivery,
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
    return await deadline.race(handler.run(job, context));
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
    const outcomes = await deadline.race(handler.runBatch(jobs, context));
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

/** The time that a try may take. Past it the signal aborts and the try counts as failed, whether the handler listens or not. */
export class Deadline {
  readonly #abort = new AbortController();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(reason: string): void {
    this.#abort.abort(new TimedOut(reason));
  }

  async race<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.abort(`no end within ${this.#timeoutMs} ms`), this.#timeoutMs);
    const aborted = new Promise<never>((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      clearTimeout(timer);
    }
  }
}
