/** What happens to a job, as it happens: for people who watch. */
import type { Sql } from "../platform/postgres/index.ts";
import { getJob, type LedgerJob } from "./ledger.ts";
import type { Progress, ProgressBoard } from "./progress.ts";

const POLL_MS = 500;

export type JobEvent = { event: "job"; data: LedgerJob } | { event: "progress"; data: Progress };

/**
 * The job now and after each change, and its progress between them, until it has ended or `signal` is aborted. The ledger
 * is read twice a second, so it works on any node; progress comes as it is told.
 */
export async function* followJob(
  deps: { sql: Sql; progress: ProgressBoard },
  id: string,
  signal: AbortSignal,
): AsyncGenerator<JobEvent, void> {
  let told: Progress | null = null;
  let wake = () => {};
  const stop = deps.progress.follow(id, progress => {
    told = progress;
    wake();
  });
  const quiet = (ms: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    // Read after the subscription: a value that is told between the two comes by one of them.
    const last = await deps.progress.read(id);
    told ??= last;
    let seen = "";
    while (!signal.aborted) {
      const job = await getJob(deps.sql, id);
      if (!job) return;
      const now = JSON.stringify(job);
      if (now !== seen) yield { event: "job", data: job };
      seen = now;
      if (job.finishedAt) return;
      for (const until = Date.now() + POLL_MS; !signal.aborted && Date.now() < until; ) {
        if (told) {
          const progress: Progress = told;
          told = null;
          yield { event: "progress", data: progress };
        } else await quiet(until - Date.now());
      }
    }
  } finally {
    stop();
  }
}
