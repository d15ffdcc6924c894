/** All SQL of the module. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { Collection, Membership, Rule } from "./model.ts";

const columns = (sql: Sql) => sql`
  c.id, c.handle, c.title, c.description, c.rule, c.version, c.created_at AS "createdAt",
  c.updated_at AS "updatedAt",
  ARRAY(SELECT p.product_id FROM collections.pick p
        WHERE p.store_id = c.store_id AND p.collection_id = c.id ORDER BY p.position, p.product_id) AS "productIds"`;

export async function selectOne(sql: Sql, storeId: string, id: string): Promise<Collection | null> {
  const [row] = await sql<Collection[]>`
    SELECT ${columns(sql)} FROM collections.collection c WHERE c.store_id = ${storeId} AND c.id = ${id}`;
  return row ?? null;
}

/** Locked to the end of the transaction. */
export async function lockOne(tx: Tx, storeId: string, id: string): Promise<Collection | null> {
  const rows = await tx`
    SELECT FROM collections.collection WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return rows.length === 0 ? null : selectOne(tx, storeId, id);
}

/** Newest first. */
export async function selectPage(
  sql: Sql,
  storeId: string,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<Collection[]> {
  return sql<Collection[]>`
    SELECT ${columns(sql)} FROM collections.collection c
    WHERE c.store_id = ${storeId} ${before === undefined ? sql`` : sql`AND c.id < ${before}`}
    ORDER BY c.id DESC LIMIT ${limit}`;
}

/** Handles in use that are `base` or begin with `base-`. */
export async function selectHandles(sql: Sql, storeId: string, base: string): Promise<string[]> {
  const rows = await sql<{ handle: string }[]>`
    SELECT handle FROM collections.collection
    WHERE store_id = ${storeId} AND (handle = ${base} OR starts_with(handle, ${`${base}-`}))`;
  return rows.map(row => row.handle);
}

export type CollectionRow = {
  id: string;
  handle: string;
  title: string;
  description: string;
  rule: Rule | null;
};

export async function insertCollection(tx: Tx, storeId: string, row: CollectionRow): Promise<void> {
  await tx`
    INSERT INTO collections.collection (store_id, id, handle, title, description, rule)
    VALUES (${storeId}, ${row.id}, ${row.handle}, ${row.title}, ${row.description},
            ${row.rule === null ? null : tx.json(row.rule as never)})`;
}

export async function updateCollection(tx: Tx, storeId: string, row: CollectionRow): Promise<void> {
  await tx`
    UPDATE collections.collection
    SET handle = ${row.handle}, title = ${row.title}, description = ${row.description},
        rule = ${row.rule === null ? null : tx.json(row.rule as never)}, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${row.id}`;
}

export async function deleteCollection(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM collections.collection WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function replacePicks(
  tx: Tx,
  storeId: string,
  id: string,
  productIds: readonly string[],
): Promise<void> {
  await tx`DELETE FROM collections.pick WHERE store_id = ${storeId} AND collection_id = ${id}`;
  if (productIds.length === 0) return;
  await tx`
    INSERT INTO collections.pick (store_id, collection_id, product_id, position)
    SELECT ${storeId}, ${id}, p.id, p.n
    FROM unnest(${productIds as string[]}::text[]) WITH ORDINALITY AS p (id, n)`;
}

export async function countRules(sql: Sql, storeId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*) FROM collections.collection WHERE store_id = ${storeId} AND rule IS NOT NULL`;
  return row!.count;
}

export type RuleRow = { id: string; handle: string; title: string; rule: Rule };

export async function selectRules(sql: Sql, storeId: string): Promise<RuleRow[]> {
  return sql<RuleRow[]>`
    SELECT id, handle, title, rule FROM collections.collection
    WHERE store_id = ${storeId} AND rule IS NOT NULL ORDER BY id`;
}

export async function selectPicks(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<(Membership & { productId: string })[]> {
  return sql<(Membership & { productId: string })[]>`
    SELECT p.product_id AS "productId", p.position, c.id, c.handle, c.title
    FROM collections.pick p
    JOIN collections.collection c ON c.store_id = p.store_id AND c.id = p.collection_id
    WHERE p.store_id = ${storeId} AND p.product_id = ANY(${productIds as string[]})
    ORDER BY c.id`;
}
