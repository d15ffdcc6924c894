/** All SQL of the module. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { Import, InventoryMode, RowError } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, status, file_name AS "fileName", inventory, rows, products, variants, created, updated, unchanged,
  error_count AS "errorCount", errors, reason, created_at AS "createdAt", started_at AS "startedAt",
  finished_at AS "finishedAt"`;

export type NewImport = {
  id: string;
  storeId: string;
  fileName: string;
  storageKey: string;
  bytes: number;
  inventory: InventoryMode;
};

export async function insertImport(tx: Tx, row: NewImport): Promise<void> {
  await tx`
    INSERT INTO imports.import (store_id, id, file_name, storage_key, bytes, inventory)
    VALUES (${row.storeId}, ${row.id}, ${row.fileName}, ${row.storageKey}, ${row.bytes}, ${row.inventory})`;
}

export async function selectImport(sql: Sql, storeId: string, id: string): Promise<Import | null> {
  const [row] = await sql<Import[]>`
    SELECT ${columns(sql)} FROM imports.import WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** The newest first; those before the id `before`. */
export async function selectImports(
  sql: Sql,
  storeId: string,
  page: { before: string | undefined; limit: number },
): Promise<Import[]> {
  const { before, limit } = page;
  return sql<Import[]>`
    SELECT ${columns(sql)} FROM imports.import
    WHERE store_id = ${storeId} ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`;
}

export type OpenImport = {
  status: Import["status"];
  storageKey: string;
  checkpoint: number;
  inventory: InventoryMode;
  errorCount: number;
  /** How many of the errors are kept. */
  kept: number;
};

const openColumns = (sql: Sql) => sql`
  status, storage_key AS "storageKey", checkpoint, inventory, error_count AS "errorCount",
  jsonb_array_length(errors) AS kept`;

/** Marks the import as running, unless it has ended; returns it as it then is. */
export async function begin(sql: Sql, storeId: string, id: string): Promise<OpenImport | null> {
  await sql`
    UPDATE imports.import SET status = 'running', started_at = now()
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'queued'`;
  const [row] = await sql<OpenImport[]>`
    SELECT ${openColumns(sql)} FROM imports.import WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** The import, locked to the end of the transaction. */
export async function lockImport(tx: Tx, storeId: string, id: string): Promise<OpenImport | null> {
  const [row] = await tx<OpenImport[]>`
    SELECT ${openColumns(tx)} FROM imports.import WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

export type Progress = {
  checkpoint: number;
  rows: number;
  products: number;
  variants: number;
  created: number;
  updated: number;
  unchanged: number;
  errorCount: number;
  /** Those of the errors that are still kept. */
  errors: RowError[];
};

/** Moves the checkpoint; the caller holds the row's lock. */
export async function advance(tx: Tx, storeId: string, id: string, by: Progress): Promise<void> {
  await tx`
    UPDATE imports.import
    SET checkpoint = ${by.checkpoint}, rows = rows + ${by.rows}, products = products + ${by.products},
        variants = variants + ${by.variants}, created = created + ${by.created},
        updated = updated + ${by.updated}, unchanged = unchanged + ${by.unchanged},
        error_count = error_count + ${by.errorCount}, errors = errors || ${tx.json(by.errors)}
    WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function finish(sql: Sql, storeId: string, id: string): Promise<void> {
  await sql`
    UPDATE imports.import SET status = 'done', finished_at = now()
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'running'`;
}

export async function fail(
  sql: Sql,
  storeId: string,
  id: string,
  why: { reason: string; errors: RowError[] },
): Promise<void> {
  await sql`
    UPDATE imports.import
    SET status = 'failed', finished_at = now(), reason = ${why.reason},
        error_count = error_count + ${why.errors.length}, errors = errors || ${sql.json(why.errors)}
    WHERE store_id = ${storeId} AND id = ${id} AND status IN ('queued', 'running')`;
}

export type StockInput = {
  variantId: string;
  productId: string;
  onHand: number;
  backorder: boolean | undefined;
  row: number;
};

/** Sets stock as inventory's rules for imports say; returns the variants whose stock was set by this call. */
export async function setStock(
  tx: Tx,
  storeId: string,
  rows: readonly StockInput[],
  options: { mode: InventoryMode; source: string },
): Promise<string[]> {
  if (rows.length === 0) return [];
  const set = await tx<{ variantId: string }[]>`
    SELECT variant_id AS "variantId"
    FROM inventory.set_initial(${storeId}, ${tx.json(rows as never)}, ${options.mode}, ${options.source})
    WHERE applied`;
  return set.map(row => row.variantId);
}
