/**
 * From received bytes to assets. First the originals are kept under their hashes, then one transaction makes the
 * assets, attaches them and enqueues the conversions.
 *
 * Crash story: before the transaction commits there is at most an original that no asset names, which the same upload
 * finds in its place when it is repeated, or the collector removes (files.ts); after it, assets and jobs both exist.
 */
import { emit } from "../bus/index.ts";
import { diff, isAuthor, type MaybeAuthor, recordAudit } from "../commerce/audit/index.ts";
import { newId } from "../platform/ids.ts";
import { type Db, type Tx, transaction } from "../platform/postgres/index.ts";
import { claimFiles, releaseFiles } from "./files.ts";
import type { AssetStatus } from "./model.ts";
import { originalKey } from "./plan.ts";
import { holdQuota } from "./quota.ts";
import type { ReceivedFile } from "./receive.ts";
import { saveAsset } from "./store.ts";

export type UploadDetails = {
  alt?: string | undefined;
  /** The product that shows it from now on; the caller has made sure that it exists. */
  productId?: string | undefined;
  /** Among the product's pictures, from 0; default: behind the others. With several files, that of the first. */
  position?: number | undefined;
};

export type Uploaded = { readonly id: string; readonly status: AssetStatus; readonly created: boolean };

/**
 * Makes assets of received files, in their order. The same bytes in a store are the same asset and no new work.
 * @throws Problem 413 when the store would have more than `quotaBytes` of originals.
 */
export async function uploadFiles(
  sql: Db,
  origin: MaybeAuthor,
  files: readonly ReceivedFile[],
  details: UploadDetails = {},
  { quotaBytes }: { quotaBytes?: number } = {},
): Promise<Uploaded[]> {
  const keys = files.map(({ staged }) => originalKey(staged.sha256));
  const holder = await claimFiles(sql, keys);
  for (const [index, { staged }] of files.entries()) await staged.keep(keys[index]!);
  // In the order given, for it is the order of the pictures. Two uploads of the same files in opposite orders may
  // deadlock; `transaction` repeats one of them.
  return transaction(sql, async tx => {
    const uploaded: Uploaded[] = [];
    for (const [index, file] of files.entries()) {
      const position = details.position === undefined ? undefined : details.position + index;
      uploaded.push(await upload(tx, origin, file, { ...details, position }));
    }
    if (quotaBytes !== undefined && uploaded.some(one => one.created)) {
      await holdQuota(tx, origin.storeId, quotaBytes);
    }
    await releaseFiles(tx, keys, holder);
    return uploaded;
  });
}

async function upload(
  tx: Tx,
  origin: MaybeAuthor,
  { staged, format, filename }: ReceivedFile,
  details: UploadDetails,
): Promise<Uploaded> {
  const { sha256, bytes } = staged;
  const saved = await saveAsset(tx, {
    id: newId("asset"),
    storeId: origin.storeId,
    sha256,
    format,
    bytes,
    filename,
    alt: details.alt ?? null,
    productId: details.productId ?? null,
    position: details.position ?? null,
  });
  if (isAuthor(origin)) {
    const changes = diff(null, { sha256, bytes, format, alt: details.alt, productId: details.productId });
    const action = saved.created ? "create" : "upload_again";
    await recordAudit(tx, { ...origin, action, entity: "asset", entityId: saved.id, changes });
  }
  if (saved.wanting) {
    await emit(tx, origin, { type: "media.uploaded", assetId: saved.id });
  } else if (saved.status === "ready" && saved.changed) {
    await emit(tx, origin, { type: "media.changed", assetId: saved.id });
  }
  return { id: saved.id, status: saved.status, created: saved.created };
}
