import type { Db } from "./pool.ts";

/**
 * Tells the planner of tables that it knows nothing of yet that all their rows are of one store. Without statistics it takes
 * any value of a column for one in two hundred: of a table of fifty rows "those of a store" is one row then, and any index
 * that begins with the store as good as the one of the whole key. Sessions keep such plans while the table grows, and each
 * key that was looked up that way reads all of its store. The first ANALYZE of a table with rows puts its own in their place.
 *
 * Returns how many tables were told.
 */
export async function assumeOneStore(db: Pick<Db, "unsafe">): Promise<number> {
  const [row] = await db.unsafe<{ count: number }[]>(`
    SELECT count(*) FILTER (WHERE pg_restore_attribute_stats(
             'schemaname', n.nspname::text, 'relname', c.relname::text, 'attname', 'store_id', 'inherited', false,
             'null_frac', 0::real, 'avg_width', 32, 'n_distinct', 1::real))::int AS count
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND NOT c.relispartition
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attname = 'store_id' AND NOT a.attisdropped AND has_table_privilege(c.oid, 'MAINTAIN')
      AND NOT EXISTS (SELECT FROM pg_stats s
                      WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname)`);
  return row!.count;
}
