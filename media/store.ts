/** All SQL of the module. */
import type { Sql, Tx } from "../platform/postgres/index.ts";
import type { Asset, AssetStatus, AssetVariant, Look, MadeVariant, Refusal } from "./model.ts";
import { urlOfKey, variantKey } from "./plan.ts";
import type { InputFormat } from "./sniff.ts";

type VariantRow = Omit<AssetVariant, "url"> & { key: string };

type AssetRow = Omit<Asset, "variants" | "error" | "focalPoint"> & {
  variants: VariantRow[];
  focalX: number | null;
  focalY: number | null;
  errorCode: string | null;
  errorMessage: string | null;
};

function assetOf({ errorCode, errorMessage, variants, focalX, focalY, ...row }: AssetRow): Asset {
  return {
    ...row,
    focalPoint: focalX === null || focalY === null ? null : { x: focalX, y: focalY },
    variants: variants.map(({ key, ...variant }) => ({ ...variant, url: urlOfKey(key) })),
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? "" },
  };
}

/** Every column of an asset, with its variants, in one statement and so of one moment. */
const selectAsset = (sql: Sql) => sql`
  SELECT a.id, a.store_id AS "storeId", a.sha256, a.status, a.complete, a.edition, a.visibility,
         a.focal_x AS "focalX", a.focal_y AS "focalY", a.format, a.bytes, a.filename, a.alt,
         a.product_id AS "productId", a.position, a.width, a.height,
         a.animated, a.placeholder, a.colour, a.error_code AS "errorCode", a.error AS "errorMessage", a.version,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt",
         (SELECT coalesce(jsonb_agg(jsonb_build_object('name', v.name, 'format', v.format, 'width', v.width,
            'height', v.height, 'bytes', v.bytes, 'animated', v.animated, 'key', v.storage_key) ORDER BY v.ordinal), '[]')
          FROM media.variant v WHERE v.store_id = a.store_id AND v.asset_id = a.id) AS variants
  FROM media.asset a`;

export async function findAsset(sql: Sql, storeId: string, id: string): Promise<Asset | null> {
  const rows = await sql<AssetRow[]>`${selectAsset(sql)} WHERE a.store_id = ${storeId} AND a.id = ${id}`;
  return rows[0] ? assetOf(rows[0]) : null;
}

/** Newest first, those with an id below `before`. */
export async function findAssets(
  sql: Sql,
  storeId: string,
  query: { before?: string | undefined; status?: AssetStatus | undefined; limit: number },
): Promise<Asset[]> {
  const rows = await sql<AssetRow[]>`${selectAsset(sql)}
    WHERE a.store_id = ${storeId}
      ${query.before ? sql`AND a.id < ${query.before}` : sql``}
      ${query.status ? sql`AND a.status = ${query.status}` : sql``}
    ORDER BY a.id DESC LIMIT ${query.limit}`;
  return rows.map(assetOf);
}

/** Of whatever store: for pages, which name an asset by its id alone. */
export async function findAnywhere(sql: Sql, id: string): Promise<Asset | null> {
  const rows = await sql<AssetRow[]>`${selectAsset(sql)} WHERE a.id = ${id}`;
  return rows[0] ? assetOf(rows[0]) : null;
}

export type NewAsset = {
  id: string;
  storeId: string;
  sha256: string;
  format: InputFormat;
  bytes: number;
  filename: string | null;
  alt: string | null;
  productId: string | null;
  position: number | null;
};

export type SavedAsset = {
  id: string;
  status: AssetStatus;
  created: boolean;
  /** Whether its conversion is to be enqueued: it is new, has failed, or nothing has happened to it for long. */
  wanting: boolean;
  /** Whether pages that show it are to show it otherwise now. */
  changed: boolean;
};

/**
 * Creates the asset, or locks the one with these bytes until the transaction ends. A failed one is tried again, and so
 * is one whose job may have ended in the dead letters (a second job beside one that only waits does no harm); `alt`,
 * `productId` and `position` replace the old ones where they are given. Behind the product's other pictures when no
 * position is.
 */
export async function saveAsset(tx: Tx, asset: NewAsset): Promise<SavedAsset> {
  const { id, storeId, sha256, format, bytes, filename, alt, productId, position } = asset;
  const rows = await tx<SavedAsset[]>`
    INSERT INTO media.asset AS a
      (id, store_id, sha256, status, format, bytes, filename, alt, product_id, position)
    SELECT ${id}, ${storeId}, ${sha256}, 'processing', ${format}, ${bytes}, ${filename}, ${alt}, ${productId},
      CASE WHEN ${productId}::text IS NOT NULL THEN coalesce(${position}::integer, (
        SELECT max(o.position) + 1 FROM media.asset o
        WHERE o.store_id = ${storeId} AND o.product_id = ${productId} AND o.sha256 <> ${sha256}), 0) END
    ON CONFLICT (store_id, sha256) DO UPDATE SET
      status = CASE a.status WHEN 'failed' THEN 'processing' ELSE a.status END,
      error_code = CASE a.status WHEN 'failed' THEN NULL ELSE a.error_code END,
      error = CASE a.status WHEN 'failed' THEN NULL ELSE a.error END,
      edition = a.edition + (a.status = 'failed')::integer,
      alt = coalesce(excluded.alt, a.alt),
      product_id = coalesce(excluded.product_id, a.product_id),
      position = CASE WHEN ${position}::integer IS NULL AND a.product_id = excluded.product_id
                 THEN a.position ELSE coalesce(excluded.position, a.position) END,
      version = a.version + 1,
      updated_at = now()
    RETURNING new.id, new.status, old.status IS NULL AS created,
      old.status IS NULL OR old.status = 'failed'
        OR (NOT old.complete AND old.updated_at < now() - interval '10 minutes') AS wanting,
      (new.alt, new.product_id, new.position) IS DISTINCT FROM (old.alt, old.product_id, old.position) AS changed`;
  return rows[0]!;
}

/** While work on this edition of the asset goes on; what has another edition belongs to another run. */
const isOurs = (sql: Sql, { storeId, id, edition }: Pick<Asset, "storeId" | "id" | "edition">) => sql`
  store_id = ${storeId} AND id = ${id} AND edition = ${edition} AND status <> 'failed' AND NOT complete`;

type Work = Pick<Asset, "storeId" | "id" | "edition" | "visibility">;

/** Adds a finished file; false when this work is not to go on. */
export async function saveVariant(tx: Tx, work: Work, ordinal: number, made: MadeVariant): Promise<boolean> {
  const alive = await tx`UPDATE media.asset SET version = version + 1, updated_at = now()
    WHERE ${isOurs(tx, work)} RETURNING id`;
  if (alive.length === 0) return false;
  const { format, width, height, bytes, animated } = made;
  const storage_key = variantKey(made.sha256, format, work.visibility);
  const same = {
    store_id: work.storeId,
    asset_id: work.id,
    format,
    width,
    height,
    bytes,
    animated,
    storage_key,
  };
  const rows = made.names.map((name, i) => ({ ...same, name, ordinal: ordinal + i }));
  await tx`INSERT INTO media.variant ${tx(rows)}
    ON CONFLICT (store_id, asset_id, name, format) DO UPDATE SET ordinal = excluded.ordinal, width = excluded.width,
      height = excluded.height, bytes = excluded.bytes, animated = excluded.animated,
      storage_key = excluded.storage_key`;
  return true;
}

/**
 * It can be shown from now on; with `complete` nothing more is made. False when another run was first, or it is
 * somebody else's by now.
 */
export async function markReady(tx: Tx, work: Work, look: Look, complete: boolean): Promise<boolean> {
  const { width, height, animated, placeholder, colour } = look;
  const rows = await tx`
    UPDATE media.asset SET status = 'ready', complete = ${complete}, width = ${width}, height = ${height},
      animated = ${animated}, placeholder = ${placeholder}, colour = ${colour}, error_code = NULL, error = NULL,
      version = version + 1, updated_at = now()
    WHERE ${isOurs(tx, work)} ${complete ? tx`` : tx`AND status = 'processing'`} RETURNING id`;
  return rows.length > 0;
}

/**
 * processing → failed, without variants; one that can be shown stays `ready` with what it has, and the reason why there is
 * no more. False when another run was first. @returns the keys that it names no longer
 */
export async function markFailed(
  tx: Tx,
  work: Pick<Asset, "storeId" | "id" | "edition">,
  refusal: Refusal,
): Promise<string[] | null> {
  const rows = await tx<{ status: AssetStatus }[]>`
    UPDATE media.asset SET status = CASE status WHEN 'processing' THEN 'failed' ELSE status END,
      complete = status = 'ready', error_code = ${refusal.code}, error = ${refusal.message},
      version = version + 1, updated_at = now()
    WHERE ${isOurs(tx, work)} RETURNING status`;
  if (rows.length === 0) return null;
  return rows[0]!.status === "failed" ? deleteVariants(tx, work) : [];
}

/** @returns the keys of their files. */
export async function deleteVariants(
  tx: Tx,
  { storeId, id }: { storeId: string; id: string },
): Promise<string[]> {
  const rows = await tx<{ key: string }[]>`
    DELETE FROM media.variant WHERE store_id = ${storeId} AND asset_id = ${id} RETURNING storage_key AS key`;
  return rows.map(row => row.key);
}

/** Variants of names that the plan has no longer. @returns the keys of their files. */
export async function deleteOtherVariants(
  tx: Tx,
  { storeId, id }: { storeId: string; id: string },
  names: readonly string[],
): Promise<string[]> {
  const rows = await tx<{ key: string }[]>`
    DELETE FROM media.variant WHERE store_id = ${storeId} AND asset_id = ${id} AND name <> ALL(${[...names]})
    RETURNING storage_key AS key`;
  return rows.map(row => row.key);
}

/** Locked until the transaction ends. */
export async function lockAsset(tx: Tx, storeId: string, id: string): Promise<Asset | null> {
  const locked = await tx`SELECT id FROM media.asset WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return locked.length > 0 ? findAsset(tx, storeId, id) : null;
}

export async function deleteAssetRow(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM media.asset WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function changeRow(tx: Tx, storeId: string, id: string, change: AssetFields): Promise<void> {
  const { alt, position, visibility, focalPoint } = change;
  await tx`
    UPDATE media.asset SET alt = ${alt}, position = ${position}, visibility = ${visibility},
      focal_x = ${focalPoint?.x ?? null}, focal_y = ${focalPoint?.y ?? null}, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id}`;
}

export type AssetFields = Pick<Asset, "alt" | "position" | "visibility" | "focalPoint">;

/** The work begins anew, as another edition. What still has variants goes on being shown. */
export async function restart(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`
    UPDATE media.asset a SET status = CASE WHEN status = 'ready' AND EXISTS (
        SELECT FROM media.variant v WHERE v.store_id = a.store_id AND v.asset_id = a.id)
      THEN 'ready' ELSE 'processing' END, complete = false,
      edition = edition + 1, error_code = NULL, error = NULL, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id}`;
}
