/**
 * How far running jobs are, for whoever asks, anywhere in the cluster. A worker publishes to the job's key of the bucket
 * TW_PROGRESS, in the server's memory: who asks later reads the last value there, who follows gets each as it comes.
 *
 * Nothing depends on it: a value may be lost (NATS away, server restarted), and what has ended is told by the ledger. Values
 * are throttled where they are made; the last one always goes out.
 */
import type { KV } from "nats";
import { StorageType } from "nats";
import { openBucket } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { buckets } from "./topology.ts";

const KEEP_MS = 15 * 60_000;
/** Least time between two values of one job. */
const EVERY_MS = 250;
const PATIENCE_MS = 1_000;
const NOTE_MAX = 200;

/** What a handler says: a part of 1, or a count with what it counts towards, if that is known. */
export type Step =
  | number
  | { readonly done: number; readonly total?: number | undefined; readonly note?: string | undefined };

export type Progress = {
  /** From 0 to 1; null when nobody knows the total. */
  fraction: number | null;
  done: number | null;
  total: number | null;
  note: string | null;
  attempt: number;
  worker: string;
  /** RFC 3339. */
  at: string;
};

/** Values of one try. */
export type Reporter = {
  step(step: Step): void;
  /** Sends what is still held back. */
  end(): void;
};

export type ProgressBoard = {
  /** For workers: makes the bucket, now and when the server has forgotten it. */
  prepare(): Promise<void>;
  reporter(job: { id: string; attempt: number }, worker: string): Reporter;
  /** The last value; null when there is none, or NATS is away. */
  read(jobId: string): Promise<Progress | null>;
  /** Calls back for each further value. Returns the way to stop. */
  follow(jobId: string, onProgress: (progress: Progress) => void): () => void;
};

const subjectOf = (jobId: string) => `$KV.${buckets.progress}.${jobId}`;

export function openProgress(connection: Connection): ProgressBoard {
  const bucket = (): Promise<KV> =>
    openBucket(connection, buckets.progress, { ttl: KEEP_MS, storage: StorageType.Memory, history: 1 });
  let opened: Promise<KV> | undefined;

  async function entry(jobId: string): Promise<Progress | null> {
    opened ??= connection.js.views.kv(buckets.progress, { bindOnly: true });
    const found = await (await opened).get(jobId);
    return found?.operation === "PUT" ? found.json<Progress>() : null;
  }

  return {
    async prepare() {
      await bucket();
      connection.onReconnect(() => void bucket().catch(() => {}));
    },
    reporter: (job, worker) =>
      startReporter(progress => {
        if (!connection.connected) return;
        const { id, attempt } = job;
        connection.nc.publish(subjectOf(id), JSON.stringify({ ...progress, attempt, worker }));
      }),
    async read(jobId) {
      if (!connection.connected) return null;
      const late = Promise.withResolvers<null>();
      const timer = setTimeout(() => late.resolve(null), PATIENCE_MS);
      try {
        return await Promise.race([entry(jobId), late.promise]);
      } catch {
        // No worker has made the bucket yet, or the server has forgotten it.
        opened = undefined;
        return null;
      } finally {
        clearTimeout(timer);
      }
    },
    follow(jobId, onProgress) {
      if (!connection.connected) return () => {};
      const subscription = connection.nc.subscribe(subjectOf(jobId), {
        callback: (error, message) => {
          if (!error && message.data.length > 0) onProgress(message.json<Progress>());
        },
      });
      return () => subscription.unsubscribe();
    },
  };
}

type Value = Pick<Progress, "fraction" | "done" | "total" | "note" | "at">;

/** Sends at most one value in {@link EVERY_MS}, the first at once and the last in any case. */
function startReporter(send: (value: Value) => void): Reporter {
  let held: Value | undefined;
  let timer: Timer | undefined;
  let over = false;
  const flush = () => {
    timer = undefined;
    if (held === undefined) return;
    send(held);
    held = undefined;
    timer = setTimeout(flush, EVERY_MS);
    timer.unref();
  };
  return {
    step(step) {
      // A handler that was aborted may go on talking.
      if (over) return;
      held = toldBy(step);
      if (timer === undefined) flush();
    },
    end() {
      over = true;
      clearTimeout(timer);
      if (held !== undefined) send(held);
      held = undefined;
    },
  };
}

/** What handlers say is for people: nonsense is bounded, never an error that ends a job. */
export function toldBy(step: Step): Value {
  const at = new Date().toISOString();
  if (typeof step === "number") return { fraction: part(step), done: null, total: null, note: null, at };
  const { done, total, note } = step;
  return {
    fraction: total === undefined ? null : part(total > 0 ? done / total : 1),
    done: Number.isFinite(done) ? done : null,
    total: total !== undefined && Number.isFinite(total) ? total : null,
    note: note?.slice(0, NOTE_MAX) ?? null,
    at,
  };
}

function part(value: number): number | null {
  return Number.isNaN(value) ? null : Math.min(1, Math.max(0, value));
}
