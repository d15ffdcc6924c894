/** SQL of price lists, their entries and their moments of opening and closing. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { ListEntry, ListSettings, ListStatus, PriceList } from "./model.lists.ts";

const columns = (sql: Sql) => sql`
  l.id, l.name, l.type, l.status, l.currency, l.segment_ids AS "segmentIds", l.starts_at AS "startsAt",
  l.ends_at AS "endsAt", l.version, l.created_at AS "createdAt", l.updated_at AS "updatedAt",
  (SELECT count(*)::int FROM pricing.list_entry e WHERE e.store_id = l.store_id AND e.list_id = l.id) AS "entryCount"`;

/** Whether it gives prices at this moment of the transaction. */
const open = (sql: Sql) => sql`
  l.status = 'active' AND coalesce(l.starts_at <= now(), true) AND coalesce(now() < l.ends_at, true) AS open`;

export type StoredList = PriceList & { open: boolean };

export async function insertList(
  tx: Tx,
  storeId: string,
  list: ListSettings & { id: string; currency: string },
): Promise<StoredList> {
  const [row] = await tx<StoredList[]>`
    INSERT INTO pricing.price_list AS l (store_id, id, name, type, status, currency, segment_ids, starts_at, ends_at)
    VALUES (${storeId}, ${list.id}, ${list.name}, ${list.type}, ${list.status}, ${list.currency},
            ${list.segmentIds}, ${list.startsAt}, ${list.endsAt})
    RETURNING ${columns(tx)}, ${open(tx)}`;
  return row!;
}

export async function selectList(sql: Sql, storeId: string, id: string): Promise<PriceList | null> {
  const [row] = await sql<PriceList[]>`
    SELECT ${columns(sql)} FROM pricing.price_list l WHERE l.store_id = ${storeId} AND l.id = ${id}`;
  return row ?? null;
}

export async function selectLists(
  sql: Sql,
  storeId: string,
  query: { after: string | null; status: ListStatus | null; limit: number },
): Promise<PriceList[]> {
  return sql<PriceList[]>`
    SELECT ${columns(sql)} FROM pricing.price_list l
    WHERE l.store_id = ${storeId} AND (${query.after}::text IS NULL OR l.id < ${query.after})
      AND (${query.status}::text IS NULL OR l.status = ${query.status})
    ORDER BY l.id DESC LIMIT ${query.limit}`;
}

/** For the rest of the transaction, so that changes of a list follow one another. */
export async function lockList(tx: Tx, storeId: string, id: string): Promise<StoredList | null> {
  const rows = await tx`
    SELECT FROM pricing.price_list WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  if (rows.length === 0) return null;
  const [row] = await tx<StoredList[]>`
    SELECT ${columns(tx)}, ${open(tx)} FROM pricing.price_list l WHERE l.store_id = ${storeId} AND l.id = ${id}`;
  return row!;
}

/** Also when only its entries changed: its version is that of the whole. */
export async function updateList(
  tx: Tx,
  storeId: string,
  id: string,
  list: ListSettings,
): Promise<StoredList> {
  const [row] = await tx<StoredList[]>`
    UPDATE pricing.price_list l
    SET name = ${list.name}, type = ${list.type}, status = ${list.status}, segment_ids = ${list.segmentIds},
        starts_at = ${list.startsAt}, ends_at = ${list.endsAt}, version = l.version + 1, updated_at = now()
    WHERE l.store_id = ${storeId} AND l.id = ${id}
    RETURNING ${columns(tx)}, ${open(tx)}`;
  return row!;
}

export async function removeList(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM pricing.price_list WHERE store_id = ${storeId} AND id = ${id}`;
}

/** The moments to come of an active list, as they are now. What has passed is announced by who changes the list. */
export async function replaceBoundaries(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM pricing.boundary WHERE store_id = ${storeId} AND list_id = ${id}`;
  await tx`
    INSERT INTO pricing.boundary (store_id, list_id, at)
    SELECT l.store_id, l.id, m.at
    FROM pricing.price_list l CROSS JOIN LATERAL (VALUES (l.starts_at), (l.ends_at)) m(at)
    WHERE l.store_id = ${storeId} AND l.id = ${id} AND l.status = 'active' AND m.at > now()`;
}

export type Boundary = { storeId: string; listId: string };

/** Takes moments that have passed; who takes one must announce it in the same transaction. */
export async function takeBoundaries(tx: Tx, limit: number): Promise<Boundary[]> {
  return tx<Boundary[]>`
    DELETE FROM pricing.boundary b
    USING (SELECT store_id, list_id, at FROM pricing.boundary WHERE at <= now()
           ORDER BY at LIMIT ${limit} FOR UPDATE SKIP LOCKED) due
    WHERE b.store_id = due.store_id AND b.list_id = due.list_id AND b.at = due.at
    RETURNING b.store_id AS "storeId", b.list_id AS "listId"`;
}

export async function selectListProducts(sql: Sql, storeId: string, listId: string): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    SELECT DISTINCT product_id AS "productId" FROM pricing.list_entry
    WHERE store_id = ${storeId} AND list_id = ${listId} ORDER BY 1`;
  return rows.map(row => row.productId);
}

/** Product of each of these variants that the store has. */
export async function selectProductsOf(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql<{ variantId: string; productId: string }[]>`
    SELECT variant_id AS "variantId", product_id AS "productId"
    FROM catalog.sellable(${storeId}, ${variantIds as string[]})`;
  return new Map(rows.map(row => [row.variantId, row.productId]));
}

const entryColumns = (sql: Sql) => sql`
  e.variant_id AS "variantId", e.product_id AS "productId", e.min_quantity AS "minQuantity",
  e.amount_minor AS "amountMinor"`;

export async function selectEntries(
  sql: Sql,
  storeId: string,
  listId: string,
  after: readonly [variantId: string, minQuantity: number] | null,
  limit: number,
): Promise<ListEntry[]> {
  const rest = after ? sql`AND (e.variant_id, e.min_quantity) > (${after[0]}, ${after[1]}::int)` : sql``;
  return sql<ListEntry[]>`
    SELECT ${entryColumns(sql)} FROM pricing.list_entry e
    WHERE e.store_id = ${storeId} AND e.list_id = ${listId} ${rest}
    ORDER BY e.variant_id, e.min_quantity LIMIT ${limit}`;
}

/** Writes what differs; returns what is new or other than it was. */
export async function upsertEntries(
  tx: Tx,
  storeId: string,
  listId: string,
  entries: readonly ListEntry[],
): Promise<ListEntry[]> {
  return tx<ListEntry[]>`
    INSERT INTO pricing.list_entry AS e (store_id, list_id, variant_id, min_quantity, product_id, amount_minor)
    SELECT ${storeId}, ${listId}, n."variantId", n."minQuantity", n."productId", n."amountMinor"
    FROM jsonb_to_recordset(${tx.json(entries as never)}) AS n ("variantId" text, "minQuantity" integer,
         "productId" text, "amountMinor" bigint)
    ORDER BY n."variantId", n."minQuantity"
    ON CONFLICT (store_id, list_id, variant_id, min_quantity) DO UPDATE
    SET amount_minor = excluded.amount_minor, version = e.version + 1
    WHERE e.amount_minor <> excluded.amount_minor
    RETURNING ${entryColumns(tx)}`;
}

export async function deleteEntries(
  tx: Tx,
  storeId: string,
  listId: string,
  keys: readonly { variantId: string; minQuantity: number | null }[],
): Promise<ListEntry[]> {
  return tx<ListEntry[]>`
    DELETE FROM pricing.list_entry e
    USING jsonb_to_recordset(${tx.json(keys as never)}) AS k ("variantId" text, "minQuantity" integer)
    WHERE e.store_id = ${storeId} AND e.list_id = ${listId} AND e.variant_id = k."variantId"
      AND (k."minQuantity" IS NULL OR e.min_quantity = k."minQuantity")
    RETURNING ${entryColumns(tx)}`;
}
