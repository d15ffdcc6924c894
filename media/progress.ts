import type { Sql } from "../platform/postgres/index.ts";
import type { Asset } from "./model.ts";
import { findAsset } from "./store.ts";

const POLL_MS = 250;

/**
 * The asset now and after each change, until it is complete or failed, gone, or `signal` is aborted. Reads the row four
 * times a second rather than listening, so it works on any node and needs no connection of its own.
 */
export async function* watchAsset(
  sql: Sql,
  storeId: string,
  assetId: string,
  { signal, pollMs = POLL_MS }: { signal?: AbortSignal; pollMs?: number } = {},
): AsyncGenerator<Asset, void> {
  let seen = 0;
  while (!signal?.aborted) {
    const asset = await findAsset(sql, storeId, assetId);
    if (!asset) return;
    if (asset.version !== seen) yield asset;
    if (asset.status === "failed" || asset.complete) return;
    seen = asset.version;
    await Bun.sleep(pollMs);
  }
}
