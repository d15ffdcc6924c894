/** SQL of transfers that is not in `inventory.move_transfer` (migrations/). */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { Transfer, TransferLine, TransferStatus } from "./model.ts";

const columns = (sql: Sql) => sql`
  f.id, f.from_location AS "fromLocationId", f.to_location AS "toLocationId", f.status, f.note, f.author, f.version,
  f.created_at AS "createdAt", f.updated_at AS "updatedAt", f.shipped_at AS "shippedAt", f.settled_at AS "settledAt",
  (SELECT coalesce(json_agg(json_build_object('variantId', i.variant_id, 'productId', i.product_id,
            'quantity', i.quantity) ORDER BY i.variant_id), '[]')
   FROM inventory.transfer_line i WHERE i.store_id = f.store_id AND i.transfer_id = f.id) AS lines`;

type Row = { id: string; from: string; to: string; note: string | null; author: string };

export async function insert(tx: Tx, storeId: string, row: Row): Promise<void> {
  await tx`
    INSERT INTO inventory.transfer (store_id, id, from_location, to_location, note, author)
    VALUES (${storeId}, ${row.id}, ${row.from}, ${row.to}, ${row.note}, ${row.author})`;
}

export async function replaceLines(
  tx: Tx,
  storeId: string,
  id: string,
  lines: readonly (TransferLine & { productId: string })[],
): Promise<void> {
  await tx`DELETE FROM inventory.transfer_line WHERE store_id = ${storeId} AND transfer_id = ${id}`;
  await tx`
    INSERT INTO inventory.transfer_line (store_id, transfer_id, variant_id, product_id, quantity)
    SELECT ${storeId}, ${id}, i."variantId", i."productId", i.quantity
    FROM jsonb_to_recordset(${tx.json(lines as never)}) AS i("variantId" text, "productId" text, quantity bigint)`;
}

export async function select(sql: Sql, storeId: string, id: string): Promise<Transfer | null> {
  const [row] = await sql<Transfer[]>`
    SELECT ${columns(sql)} FROM inventory.transfer f WHERE f.store_id = ${storeId} AND f.id = ${id}`;
  return row ?? null;
}

export async function lock(tx: Tx, storeId: string, id: string): Promise<Transfer | null> {
  const [row] = await tx<Transfer[]>`
    SELECT ${columns(tx)} FROM inventory.transfer f WHERE f.store_id = ${storeId} AND f.id = ${id} FOR UPDATE OF f`;
  return row ?? null;
}

export async function touch(tx: Tx, storeId: string, id: string, note: string | null): Promise<void> {
  await tx`
    UPDATE inventory.transfer SET note = ${note}, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function selectPage(
  sql: Sql,
  storeId: string,
  before: string | null,
  status: TransferStatus | null,
  limit: number,
): Promise<Transfer[]> {
  return sql<Transfer[]>`
    SELECT ${columns(sql)} FROM inventory.transfer f
    WHERE f.store_id = ${storeId} AND (${before}::text IS NULL OR f.id < ${before})
      AND (${status}::text IS NULL OR f.status = ${status})
    ORDER BY f.id DESC LIMIT ${limit}`;
}

export async function productsOf(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql<{ variantId: string; productId: string }[]>`
    SELECT variant_id AS "variantId", product_id AS "productId"
    FROM catalog.sellable(${storeId}, ${variantIds as string[]})`;
  return new Map(rows.map(row => [row.variantId, row.productId]));
}

export type ShortLine = { variantId: string; requested: number; available: number };

export type Moved =
  | { outcome: "moved" | "repeated" | "missing" | "stale" | "inactive_location" }
  | { outcome: "wrong_state"; status: TransferStatus }
  | { outcome: "insufficient"; lines: ShortLine[] };

export async function move(
  tx: Tx,
  step: { storeId: string; id: string; to: TransferStatus; version: number | null },
  author: string,
  changed: readonly unknown[],
): Promise<Moved> {
  const [row] = await tx<{ moved: Moved }[]>`
    SELECT inventory.move_transfer(${step.storeId}, ${step.id}, ${step.to}, ${step.version}, ${author},
                                   ${tx.json(changed as never)}) AS moved`;
  return row!.moved;
}
