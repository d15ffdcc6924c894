import type { Sql, Tx } from "../../platform/postgres/index.ts";

export type Build = {
  storeId: string;
  id: string;
  status: "queued" | "running" | "done";
  /** Products that are done, of how many there were when it began. */
  done: number;
  total: number;
  requestedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
};

const columns = (sql: Sql) => sql`
  store_id AS "storeId", id, status, done, total, requested_at AS "requestedAt", started_at AS "startedAt",
  finished_at AS "finishedAt"`;

/** False when the store has an open one. */
export async function insertBuild(tx: Tx, storeId: string, id: string, shape: number): Promise<boolean> {
  const rows = await tx`
    INSERT INTO storefront.build (store_id, id, shape) VALUES (${storeId}, ${id}, ${shape})
    ON CONFLICT DO NOTHING RETURNING id`;
  return rows.length > 0;
}

export async function selectLatest(sql: Sql, storeIds: readonly string[]): Promise<Build[]> {
  return sql<Build[]>`
    SELECT DISTINCT ON (store_id) ${columns(sql)} FROM storefront.build
    WHERE store_id = ANY(${storeIds as string[]}) ORDER BY store_id, id DESC`;
}

/** Those of these stores that have a rebuild of this shape, open or done. */
export async function selectShaped(
  sql: Sql,
  storeIds: readonly string[],
  shape: number,
): Promise<Set<string>> {
  const rows = await sql<{ storeId: string }[]>`
    SELECT DISTINCT store_id AS "storeId" FROM storefront.build
    WHERE store_id = ANY(${storeIds as string[]}) AND shape >= ${shape}`;
  return new Set(rows.map(row => row.storeId));
}

/** Marks it as running unless it has ended; returns it as it then is. */
export async function begin(
  sql: Sql,
  storeId: string,
  id: string,
  total: number,
): Promise<(Build & { checkpoint: string }) | null> {
  await sql`
    UPDATE storefront.build SET status = 'running', started_at = now(), total = ${total}
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'queued'`;
  const [row] = await sql<(Build & { checkpoint: string })[]>`
    SELECT ${columns(sql)}, checkpoint FROM storefront.build WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** Never backwards: of two runs at once the one that is behind changes nothing. */
export async function advance(
  sql: Sql,
  storeId: string,
  id: string,
  checkpoint: string,
  products: number,
): Promise<void> {
  await sql`
    UPDATE storefront.build SET checkpoint = ${checkpoint}, done = done + ${products}
    WHERE store_id = ${storeId} AND id = ${id} AND checkpoint < ${checkpoint}`;
}

export async function finish(sql: Sql, storeId: string, id: string): Promise<void> {
  await sql`
    UPDATE storefront.build SET status = 'done', finished_at = now()
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'running'`;
}
