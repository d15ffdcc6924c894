import type { MigrationModule } from "./migrations.ts";
import type { Db } from "./pool.ts";

/** Held for a moment; whoever has the table for longer is not waited for. */
const LOCK_MS = 300;

/**
 * Tells the planner of tables that it knows nothing of yet that all their rows are of one tenant. Without statistics it takes
 * any value of a column for one in two hundred: of a table of fifty rows "those of a tenant" is none then, and an index on
 * (tenant, number) as good as the key (tenant, id). Sessions keep such plans while the table grows, and each key that was looked
 * up that way reads all rows of its tenant. The first ANALYZE of a table with rows puts its own in their place.
 *
 * Only a hint: a table that can't be told of it now (somebody holds it, it is not ours) is told when the next process
 * starts, or analysed before. Partitions are left out: they come and go, and what looks into them knows their key alone.
 */
export async function assumeOneTenant(
  db: Pick<Db, "unsafe">,
  modules: readonly MigrationModule[],
): Promise<void> {
  const tenants = modules.filter(module => module.tenant !== undefined);
  const tables = await db.unsafe<{ schema: string; table: string; column: string }[]>(
    `SELECT n.nspname AS schema, c.relname AS table, a.attname AS column
     FROM unnest($1::text[], $2::text[]) AS w(schema, "column")
     JOIN pg_namespace n ON n.nspname = w.schema
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' AND NOT c.relispartition
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w."column" AND a.atttypid = 'text'::regtype
     WHERE has_table_privilege(c.oid, 'MAINTAIN') AND has_table_privilege(c.oid, 'SELECT')
       AND NOT EXISTS (SELECT FROM pg_stats s
                       WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname)`,
    [tenants.map(one => one.name), tenants.map(one => one.tenant!)],
  );
  for (const { schema, table, column } of tables) {
    await db
      .unsafe(`
        BEGIN; SET LOCAL lock_timeout = ${LOCK_MS};
        SELECT pg_restore_attribute_stats('schemaname', '${schema}', 'relname', '${table}', 'attname', '${column}',
          'inherited', false, 'null_frac', 0::real, 'avg_width', 32, 'n_distinct', 1::real);
        COMMIT`)
      .catch(() => db.unsafe("ROLLBACK"));
  }
}
