/**
 * Media: pictures that merchants upload, and what is made of them. Owns the schema `media` and, in storage, the keys under
 * `original/`, `variant/`, `private/` and `upload/`; how rows and files keep together is told in files.ts.
 *
 * Always holds: the same bytes in a store are one asset; an asset that is `ready` has its WebP variants, a `complete` one all of the plan, each
 * in sRGB, upright and without metadata; a variant's URL never changes its content; originals are never served; what
 * a file is, is decided by its content; no decoder runs but in a process of its own (decoder.ts).
 *
 * Emits `media.uploaded` (→ image.convert) and `media.changed` (→ catalog.attach_media).
 */
import type { Sql } from "../platform/postgres/index.ts";
import type { Asset, AssetStatus } from "./model.ts";
import { findAnywhere, findAssets, findAsset as findOf } from "./store.ts";

export { type Backfill, latestBackfill, runBackfill } from "./backfill.ts";
export { chooseVariant, standIn } from "./choose.ts";
export { type Conversion, type ConversionResult, convertAsset } from "./convert.ts";
export { failDeadConversions } from "./dead.ts";
export { DecoderCrash } from "./decoder.ts";
export { claimFiles, collectFiles, searchOrphans } from "./files.ts";
export { type AssetChange, changeAsset, deleteAsset, type Retried, retryAsset } from "./manage.ts";
export type { Asset, AssetStatus, AssetVariant, Visibility } from "./model.ts";
export { keyOfFile, limits, mediaTypes, variantCount, variantPlan } from "./plan.ts";
export { type Declared, declarePreset, listPresets, type Preset, removePreset } from "./presets.ts";
export { watchAsset } from "./progress.ts";
export { MAX_QUOTA_BYTES, setQuota, type Usage, usageOf } from "./quota.ts";
export { type ReceivedFile, receiveFile } from "./receive.ts";
export {
  appendUpload,
  beginUpload,
  directKey,
  dropUpload,
  findUpload,
  finishUpload,
  noteDirect,
  RESUMABLE_HOURS,
  type ResumableDeps,
  sweepUploads,
} from "./resumable.ts";
export { openSigner, type Signer, withSignedUrls } from "./signing.ts";
export { type UploadDetails, type Uploaded, uploadFiles } from "./upload.ts";

/** The asset, or null when the store has none of this id. */
export function getAsset(sql: Sql, storeId: string, assetId: string): Promise<Asset | null> {
  return findOf(sql, storeId, assetId);
}

/** The asset of whatever store: pages name it by its id alone. */
export function findAsset(sql: Sql, assetId: string): Promise<Asset | null> {
  return findAnywhere(sql, assetId);
}

/** Newest first. `before` is the id of the last one of the page before. */
export function listAssets(
  sql: Sql,
  storeId: string,
  query: { before?: string | undefined; status?: AssetStatus | undefined; limit: number },
): Promise<Asset[]> {
  return findAssets(sql, storeId, query);
}
