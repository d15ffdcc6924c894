/** The SQL of the category tree, and of what collections ask of the catalog. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";

/**
 * Taken by whoever changes what groups products (the tree, a collection) and by whoever writes down which groups a
 * product is in. So memberships are always computed from groups that stay as they are until they are committed.
 */
export async function lockGroups(tx: Tx, storeId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`catalog.groups:${storeId}`}, 0))`;
}

export type CategoryRow = {
  id: string;
  handle: string;
  title: string;
  parentId: string | null;
  /** Ids from the root down to its own. */
  path: string[];
  position: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

const columns = (sql: Sql) => sql`
  c.id, c.handle, c.title, c.parent_id AS "parentId", c.path, c.position, c.version,
  c.created_at AS "createdAt", c.updated_at AS "updatedAt"`;

export async function selectCategory(sql: Sql, storeId: string, id: string): Promise<CategoryRow | null> {
  const [row] = await sql<CategoryRow[]>`
    SELECT ${columns(sql)} FROM catalog.category c WHERE c.store_id = ${storeId} AND c.id = ${id}`;
  return row ?? null;
}

/** Oldest first; with `parentId` its children only, `null` for the roots. */
export async function selectCategories(
  sql: Sql,
  storeId: string,
  page: { after: string | undefined; parentId: string | null | undefined; limit: number },
): Promise<CategoryRow[]> {
  const { after, parentId, limit } = page;
  return sql<CategoryRow[]>`
    SELECT ${columns(sql)} FROM catalog.category c
    WHERE c.store_id = ${storeId} ${after === undefined ? sql`` : sql`AND c.id > ${after}`}
      ${parentId === undefined ? sql`` : sql`AND c.parent_id IS NOT DISTINCT FROM ${parentId}`}
    ORDER BY c.id LIMIT ${limit}`;
}

/** By id or handle. */
export async function selectByWords(
  sql: Sql,
  storeId: string,
  words: readonly string[],
): Promise<{ id: string; handle: string; title: string }[]> {
  return sql<{ id: string; handle: string; title: string }[]>`
    SELECT id, handle, title FROM catalog.category
    WHERE store_id = ${storeId} AND (id = ANY(${words as string[]}) OR handle = ANY(${words as string[]}))`;
}

export async function selectCategoryHandles(sql: Sql, storeId: string, base: string): Promise<string[]> {
  const rows = await sql<{ handle: string }[]>`
    SELECT handle FROM catalog.category
    WHERE store_id = ${storeId} AND (handle = ${base} OR starts_with(handle, ${`${base}-`}))`;
  return rows.map(row => row.handle);
}

/** How many levels hang below a category, itself included; 0 for an unknown one. And how many categories there are. */
export async function selectExtent(
  sql: Sql,
  storeId: string,
  id: string,
): Promise<{ levels: number; children: number; count: number }> {
  const [row] = await sql<{ levels: number; children: number; count: number }[]>`
    SELECT coalesce(max(cardinality(path) - array_position(path, ${id}) + 1)
                      FILTER (WHERE ${id} = ANY(path)), 0)::integer AS levels,
           count(*) FILTER (WHERE parent_id = ${id}) AS children, count(*) AS count
    FROM catalog.category WHERE store_id = ${storeId}`;
  return row!;
}

export type CategoryContent = Pick<CategoryRow, "id" | "handle" | "title" | "parentId" | "path" | "position">;

export async function insertCategory(tx: Tx, storeId: string, row: CategoryContent): Promise<void> {
  await tx`
    INSERT INTO catalog.category (store_id, id, handle, title, parent_id, path, position)
    VALUES (${storeId}, ${row.id}, ${row.handle}, ${row.title}, ${row.parentId}, ${row.path}, ${row.position})`;
}

/** Moves its whole branch along. */
export async function updateCategory(tx: Tx, storeId: string, row: CategoryContent): Promise<void> {
  await tx`
    UPDATE catalog.category
    SET handle = ${row.handle}, title = ${row.title}, parent_id = ${row.parentId}, position = ${row.position},
        version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${row.id}`;
  await tx`
    UPDATE catalog.category SET path = ${row.path}::text[] || path[array_position(path, ${row.id}) + 1:]
    WHERE store_id = ${storeId} AND ${row.id} = ANY(path)
      AND path[:array_position(path, ${row.id})] <> ${row.path}::text[]`;
}

export async function deleteCategory(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM catalog.category WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function selectPresent(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM catalog.product WHERE store_id = ${storeId} AND id = ANY(${productIds as string[]})`;
  return new Set(rows.map(row => row.id));
}
