/**
 * Copies all files of one store to another, and on request removes from the first what is proven to be in the second.
 * It keeps no record: what lies in the target with the same size is done, so that a run that was stopped, by whatever,
 * goes on where it was when it is started again. Files may be added meanwhile; a second run takes them.
 */
import type { Storage, StoredEntry } from "./storage.ts";

export type MoveReport = {
  /** Found in the source. */
  files: number;
  copied: number;
  copiedBytes: number;
  /** Were in the target already. */
  present: number;
  /** From the source, with `remove`. */
  removed: number;
  /** Stopped by the signal before everything was looked at. */
  stopped: boolean;
};

export type MoveOptions = {
  /** Removes each file from the source after reading it back from the target and comparing the hashes. */
  remove?: boolean;
  /** Files on their way at once; default 8. */
  concurrency?: number;
  /** The files that are on their way are finished, no other is begun. */
  signal?: AbortSignal;
  onProgress?: (report: MoveReport) => void;
};

/** @throws what a store throws; what was copied before stays. */
export async function moveFiles(from: Storage, to: Storage, options: MoveOptions = {}): Promise<MoveReport> {
  const report = { files: 0, copied: 0, copiedBytes: 0, present: 0, removed: 0, stopped: false };
  const entries = from.list()[Symbol.asyncIterator]();
  const work = async () => {
    for (let next = await entries.next(); !next.done; next = await entries.next()) {
      if (options.signal?.aborted) report.stopped = true;
      if (report.stopped) return;
      await moveOne(from, to, next.value, report, options.remove === true);
      options.onProgress?.(report);
    }
  };
  const workers = Array.from({ length: options.concurrency ?? 8 }, work);
  const results = await Promise.allSettled(workers);
  const broken = results.find(result => result.status === "rejected");
  if (broken) throw broken.reason;
  return report;
}

async function moveOne(
  from: Storage,
  to: Storage,
  { key, bytes }: StoredEntry,
  report: MoveReport,
  remove: boolean,
): Promise<void> {
  report.files++;
  const source = await from.open(key);
  // Removed since it was listed.
  if (!source) return;
  if ((await to.open(key))?.bytes === source.bytes) report.present++;
  else {
    const staged = await to.stage(source.blob.stream(), { maxBytes: Number.MAX_SAFE_INTEGER });
    await staged.keep(key);
    report.copied++;
    report.copiedBytes += bytes;
  }
  if (!remove) return;
  const copy = await to.open(key);
  if (!copy || (await hashOf(copy.blob)) !== (await hashOf(source.blob))) {
    throw new Error(`the copy of ${key} is not the same as the file; remove the copy and start again`);
  }
  await from.remove(key);
  report.removed++;
}

async function hashOf(blob: Blob): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of blob.stream()) hash.update(chunk);
  return hash.digest("hex");
}
