/**
 * Postgres: the connection pool, transactions that survive deadlocks, the migration runner.
 *
 * Inside {@link transaction} use only the `tx` that is handed in: the outer `sql` takes a second connection and can hang
 * the pool under load. `bigint` columns come back as numbers (money is far below 2^53); a larger value throws.
 */

export { type Connections, connectionsInUse } from "./activity.ts";
export { type MigrateOptions, migrate, pendingMigrations } from "./migrate.ts";
export { MigrationError, type MigrationModule, withoutComments } from "./migrations.ts";
export {
  dayPartitions,
  ensurePartitions,
  type Partition,
  type Retired,
  retirePartitions,
  type TimePartitions,
} from "./partitions.ts";
export { connect, type Db, type Sql, type Tx } from "./pool.ts";
export {
  deadlockRetries,
  isBesideNewPartition,
  isRefusedStatement,
  retried,
  TransactionLost,
  transaction,
  transactionOnce,
} from "./transaction.ts";
