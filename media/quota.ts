/** What a store may keep. The count is the database's own (migration 0101) and is exact under concurrent uploads. */
import { Problem } from "../platform/errors.ts";
import type { Sql } from "../platform/postgres/index.ts";

const GB = 1_000_000_000;

/** @throws Problem 413 when the store has more than `maxBytes`; in the transaction that added, so that nothing is. */
export async function holdQuota(sql: Sql, storeId: string, maxBytes: number): Promise<void> {
  const [row] = await sql<{ bytes: number }[]>`SELECT bytes FROM media.usage WHERE store_id = ${storeId}`;
  if (Number(row?.bytes ?? 0) > maxBytes) throw exceeded(maxBytes);
}

/** The same before anything is sent, with what other open uploads will take. */
export async function expectQuota(sql: Sql, storeId: string, maxBytes: number, bytes: number): Promise<void> {
  const [row] = await sql<{ taken: number }[]>`
    SELECT coalesce((SELECT bytes FROM media.usage WHERE store_id = ${storeId}), 0)
         + coalesce((SELECT sum(bytes) FROM media.upload
                     WHERE store_id = ${storeId} AND asset_id IS NULL AND expires_at > now()), 0) AS taken`;
  if (Number(row!.taken) + bytes > maxBytes) throw exceeded(maxBytes);
}

function exceeded(maxBytes: number): Problem {
  const detail = `The store's pictures may take ${maxBytes / GB} GB together, and would take more. Delete some, or ask the operator for more room.`;
  return new Problem(413, "quota_exceeded", detail, { extensions: { maxBytes } });
}
