/**
 * After a change of the sizes: every asset of the store that lacks one is converted again, for that size alone, and
 * variants of sizes that are no more are dropped. A page of assets, what follows from it and the checkpoint are one
 * transaction, so a try that dies repeats nothing. Assets that come meanwhile are made with the new sizes anyway; one whose
 * conversion runs has read the old ones, perhaps, and begins anew.
 */
import { emit, type Origin } from "../bus/index.ts";
import { type Db, type Sql, type Tx, transaction } from "../platform/postgres/index.ts";
import { dropFiles } from "./files.ts";
import { sizesOf } from "./presets.ts";
import { deleteOtherVariants, restart } from "./store.ts";

export type Backfill = {
  id: string;
  status: "queued" | "running" | "done";
  /** Assets that were looked at, of how many. */
  done: number;
  total: number;
  /** Assets of the store whose variants are being made now. */
  converting: number;
  requestedAt: Date;
  finishedAt: Date | null;
};

const PAGE = 100;

/** The latest; null when there was none. */
export async function latestBackfill(sql: Sql, storeId: string): Promise<Backfill | null> {
  const [row] = await sql<Backfill[]>`
    SELECT id, status, done, total, requested_at AS "requestedAt", finished_at AS "finishedAt",
      (SELECT count(*)::int FROM media.asset
       WHERE store_id = ${storeId} AND NOT complete AND status <> 'failed') AS converting
    FROM media.backfill WHERE store_id = ${storeId} ORDER BY id DESC LIMIT 1`;
  return row ?? null;
}

/** @throws the signal's reason. */
export async function runBackfill(
  sql: Db,
  origin: Origin,
  id: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<"done" | "not_found"> {
  const { storeId } = origin;
  await sql`
    UPDATE media.backfill SET status = 'running',
      total = (SELECT count(*) FROM media.asset WHERE store_id = ${storeId} AND status <> 'failed')
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'queued'`;
  for (;;) {
    signal.throwIfAborted();
    const state = await transaction(sql, tx => step(tx, origin, id));
    if (!state) return "not_found";
    onProgress(state.done, state.total);
    if (state.status === "done") return "done";
  }
}

type State = Pick<Backfill, "status" | "done" | "total"> & { checkpoint: string };

async function step(tx: Tx, origin: Origin, id: string): Promise<State | null> {
  const { storeId } = origin;
  const [state] = await tx<State[]>`
    SELECT status, done, total, checkpoint FROM media.backfill
    WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  if (!state || state.status === "done") return state ?? null;
  const names = (await sizesOf(tx, storeId)).map(size => size.name);
  const page = await tx<{ id: string }[]>`
    SELECT id FROM media.asset
    WHERE store_id = ${storeId} AND status <> 'failed' AND id > ${state.checkpoint}
    ORDER BY id LIMIT ${PAGE} FOR UPDATE`;
  for (const asset of page) await align(tx, origin, asset.id, names);
  const [next] = await tx<State[]>`
    UPDATE media.backfill SET done = done + ${page.length}, checkpoint = ${page.at(-1)?.id ?? state.checkpoint},
      status = ${page.length < PAGE ? "done" : "running"},
      finished_at = CASE WHEN ${page.length < PAGE} THEN now() END
    WHERE store_id = ${storeId} AND id = ${id} RETURNING status, done, total, checkpoint`;
  return next!;
}

async function align(tx: Tx, origin: Origin, id: string, names: readonly string[]): Promise<void> {
  const asset = { storeId: origin.storeId, id };
  const dropped = await deleteOtherVariants(tx, asset, names);
  await dropFiles(tx, dropped);
  const [row] = await tx<{ made: number; complete: boolean }[]>`
    SELECT complete, (SELECT count(DISTINCT name)::int FROM media.variant v
      WHERE v.store_id = a.store_id AND v.asset_id = a.id) AS made
    FROM media.asset a WHERE store_id = ${asset.storeId} AND id = ${id}`;
  if (!row!.complete || row!.made < names.length) {
    await restart(tx, asset.storeId, id);
    await emit(tx, origin, { type: "media.uploaded", assetId: id });
  } else if (dropped.length > 0) await emit(tx, origin, { type: "media.changed", assetId: id });
}
