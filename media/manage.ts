/** What admins do to an asset that exists. Each in one transaction under the lock of the asset's row, with its audit entry. */
import { emit } from "../bus/index.ts";
import { type Author, diff, recordAudit } from "../commerce/audit/index.ts";
import { type Db, type Tx, transaction } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";
import { collectFiles, dropFiles } from "./files.ts";
import type { Asset } from "./model.ts";
import { originalKey } from "./plan.ts";
import { sizesOf } from "./presets.ts";
import {
  type AssetFields,
  changeRow,
  deleteAssetRow,
  deleteOtherVariants,
  deleteVariants,
  lockAsset,
  restart,
} from "./store.ts";

type Deps = { readonly sql: Db; readonly storage: Storage };

/**
 * Deletes the asset, its variants and every file that nobody else uses; products cease to show it. False when there is
 * none. Files that can't be removed now, or that an upload has just claimed, are collected later.
 */
export async function deleteAsset({ sql, storage }: Deps, author: Author, id: string): Promise<boolean> {
  const keys = await transaction(sql, async tx => {
    const asset = await lockAsset(tx, author.storeId, id);
    if (!asset) return null;
    const files = [...(await deleteVariants(tx, asset)), originalKey(asset.sha256)];
    await deleteAssetRow(tx, asset.storeId, id);
    await dropFiles(tx, files);
    await audit(tx, author, id, "delete", diff({ sha256: asset.sha256, filename: asset.filename }, null));
    await emit(tx, author, { type: "media.changed", assetId: id });
    return files;
  });
  if (keys) await collectFiles(sql, storage, keys).catch(() => {});
  return keys !== null;
}

/** Fields that are left out stay as they are. */
export type AssetChange = Partial<AssetFields>;

/**
 * What a private asset becomes, or a public one, is other files under other names: until they are made it is processing,
 * and the old ones are removed. False when there is none.
 */
export async function changeAsset(
  { sql, storage }: Deps,
  author: Author,
  id: string,
  change: AssetChange,
): Promise<boolean> {
  const dropped = await transaction(sql, async tx => {
    const asset = await lockAsset(tx, author.storeId, id);
    if (!asset) return null;
    const { alt, position, visibility, focalPoint } = asset;
    const before: AssetFields = { alt, position, visibility, focalPoint };
    const after = { ...before, ...change };
    const changes = diff(before, after);
    if (Object.keys(changes).length === 0) return [];
    await changeRow(tx, asset.storeId, id, after);
    await audit(tx, author, id, "update", changes);
    const files = await outdated(tx, asset, changes);
    await dropFiles(tx, files);
    if (files.length > 0) await begin(tx, author, asset);
    await emit(tx, author, { type: "media.changed", assetId: id });
    return files;
  });
  if (dropped && dropped.length > 0) await collectFiles(sql, storage, dropped).catch(() => {});
  return dropped !== null;
}

/** Drops the variants that the change makes wrong. @returns the keys of their files */
async function outdated(tx: Tx, asset: Asset, changes: ReturnType<typeof diff>): Promise<string[]> {
  if (changes.visibility) return deleteVariants(tx, asset);
  if (!changes.focalPoint) return [];
  const whole = (await sizesOf(tx, asset.storeId)).filter(size => !size.crop).map(size => size.name);
  return deleteOtherVariants(tx, asset, whole);
}

export type Retried = "restarted" | "not_failed" | "not_found";

/** Begins anew what failed, or what was given up before it was complete. */
export async function retryAsset(sql: Db, author: Author, id: string): Promise<Retried> {
  return transaction(sql, async tx => {
    const asset = await lockAsset(tx, author.storeId, id);
    if (!asset) return "not_found";
    if (asset.error === null) return "not_failed";
    await begin(tx, author, asset);
    await audit(tx, author, id, "retry", {});
    return "restarted";
  });
}

async function begin(tx: Tx, author: Author, asset: Asset): Promise<void> {
  await restart(tx, asset.storeId, asset.id);
  await emit(tx, author, { type: "media.uploaded", assetId: asset.id });
}

function audit(tx: Tx, author: Author, id: string, action: string, changes: ReturnType<typeof diff>) {
  return recordAudit(tx, { ...author, action, entity: "asset", entityId: id, changes });
}
