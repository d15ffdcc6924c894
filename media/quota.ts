/**
 * What a store may keep: as much as the deployment's setting says, or what an operator has set for this store. The count is
 * the database's own (migration 0101) and is exact under concurrent uploads. A quota below what a store has refuses
 * uploads and takes nothing away.
 */
import { type Author, diff, recordAudit } from "../commerce/audit/index.ts";
import { Problem } from "../platform/errors.ts";
import { type Db, type Sql, type Tx, transaction } from "../platform/postgres/index.ts";

const GB = 1_000_000_000;
/** A petabyte: beyond it somebody has mistaken the unit. */
export const MAX_QUOTA_BYTES = 1e15;

export type Usage = {
  storeId: string;
  /** Pictures, and the bytes of their originals. */
  assets: number;
  bytes: number;
  maxBytes: number;
  /** Whether the quota was set for this store. */
  isOwn: boolean;
};

/** In the order of the ids. */
export async function usageOf(sql: Sql, storeIds: readonly string[], defaultBytes: number): Promise<Usage[]> {
  const rows = await sql<Usage[]>`
    SELECT id AS "storeId", coalesce(u.assets, 0) AS assets, coalesce(u.bytes, 0) AS bytes,
           coalesce(q.max_bytes, ${defaultBytes}) AS "maxBytes", q.store_id IS NOT NULL AS "isOwn"
    FROM unnest(${[...storeIds]}::text[]) WITH ORDINALITY s(id, place)
    LEFT JOIN media.usage u ON u.store_id = id LEFT JOIN media.quota q ON q.store_id = id
    ORDER BY place`;
  return rows.map(row => ({
    ...row,
    assets: Number(row.assets),
    bytes: Number(row.bytes),
    maxBytes: Number(row.maxBytes),
  }));
}

/** Null: what the deployment's setting says, from now on. */
export async function setQuota(
  sql: Db,
  author: Author,
  storeId: string,
  maxBytes: number | null,
): Promise<void> {
  await transaction(sql, async tx => {
    const [before] = await tx`SELECT max_bytes FROM media.quota WHERE store_id = ${storeId} FOR UPDATE`;
    const changes = diff({ maxBytes: before ? Number(before.max_bytes) : null }, { maxBytes });
    if (Object.keys(changes).length === 0) return;
    if (maxBytes === null) await tx`DELETE FROM media.quota WHERE store_id = ${storeId}`;
    else await save(tx, storeId, maxBytes);
    const entry = { action: "update", entity: "media_quota", entityId: storeId, changes };
    await recordAudit(tx, { ...author, storeId, ...entry });
  });
}

async function save(tx: Tx, storeId: string, maxBytes: number): Promise<void> {
  await tx`INSERT INTO media.quota (store_id, max_bytes) VALUES (${storeId}, ${maxBytes})
    ON CONFLICT (store_id) DO UPDATE SET max_bytes = excluded.max_bytes, updated_at = now()`;
}

/** @throws Problem 413 when the store has more than it may; in the transaction that added, so that nothing is. */
export async function holdQuota(sql: Sql, storeId: string, defaultBytes: number): Promise<void> {
  const [usage] = await usageOf(sql, [storeId], defaultBytes);
  if (usage!.bytes > usage!.maxBytes) throw exceeded(usage!);
}

/** The same before anything is sent, with what other open uploads will take. */
export async function expectQuota(
  sql: Sql,
  storeId: string,
  defaultBytes: number,
  bytes: number,
): Promise<void> {
  const [usage] = await usageOf(sql, [storeId], defaultBytes);
  const [open] = await sql<{ bytes: number }[]>`
    SELECT coalesce(sum(bytes), 0) AS bytes FROM media.upload
    WHERE store_id = ${storeId} AND asset_id IS NULL AND expires_at > now()`;
  if (usage!.bytes + Number(open!.bytes) + bytes > usage!.maxBytes) throw exceeded(usage!);
}

function exceeded({ maxBytes }: Usage): Problem {
  const detail = `The store's pictures may take ${maxBytes / GB} GB together, and would take more. Delete some, or ask the operator for more room.`;
  return new Problem(413, "quota_exceeded", detail, { extensions: { maxBytes } });
}
