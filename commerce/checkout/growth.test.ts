/**
 * A session plans its statements when the shop is young, and keeps the plans: what a checkout reads must not grow with the
 * tables until somebody analyses them.
 */
import { expect, test } from "bun:test";
import { connect, type Db, transaction } from "../../platform/postgres/index.ts";
import { buy, fillCart, openShop, type Shop } from "./shop.fixture.ts";

const OTHERS = 5_000;
/** Copies of each row that are there when plans are made. */
const FIRST = 5;
/** Rows of a table that one checkout of one line may read; it reads one or two. */
const FEW = 50;

/** As many copies of one row, or of this cart, as a shop has after a busy hour, each under a key of its own. */
async function grow(shop: Shop, cartId: string, from: number, to: number): Promise<void> {
  const tables = {
    "carts.cart": ["id"],
    "carts.line": ["id", "cart_id"],
    "orders.order": ["id", "number", "intent_id", "reservation_id"],
    "orders.line": ["order_id"],
    "payments.intent": ["id", "order_id"],
    "inventory.reservation": ["id"],
    "inventory.reservation_line": ["reservation_id"],
    "checkout.attempt": ["key", "order_id", "reservation_id", "intent_id"],
  };
  const one = (table: string) =>
    table.startsWith("carts.")
      ? `'${cartId}' = ${table.endsWith("line") ? "r.cart_id" : "r.id"}`
      : `r.ctid = (SELECT min(ctid) FROM ${table})`;
  await transaction(shop.sql, async tx => {
    for (const [table, keys] of Object.entries(tables)) {
      const own = keys.map(key => `'${key}', r.${key} || n`).join(", ");
      await tx.unsafe(`
        INSERT INTO ${table}
        SELECT (jsonb_populate_record(r, jsonb_build_object(${own}))).*
        FROM ${table} r, generate_series(${from}, ${to}) n WHERE ${one(table)}`);
    }
    // What this reads is counted now, and not as read by a checkout later.
    await tx`SELECT pg_stat_force_next_flush()`;
  });
}

/** Rows that were read in the shop's tables since it was made, by table. */
async function rowsRead(sql: Db): Promise<Map<string, number>> {
  await sql`SELECT pg_stat_force_next_flush()`;
  const rows = await sql<{ table: string; count: number }[]>`
    SELECT schemaname || '.' || relname AS table, (coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::float8 AS count
    FROM pg_stat_user_tables WHERE schemaname IN ('carts', 'orders', 'payments', 'inventory', 'checkout')`;
  return new Map(rows.map(row => [row.table, row.count]));
}

test.each(["as it was made", "when it was analysed with its first orders"])(
  "a checkout reads no more rows in a shop that has grown, its plans made %s",
  async when => {
    const shop = await openShop([100]);
    const sql = connect(shop.url, { max: 1, application: "one session" });
    const deps = { deps: { sql } };
    try {
      const carts = await Promise.all(Array.from({ length: 4 }, () => fillCart(shop, [[0, 1]])));
      await buy(shop, carts[0]!.id, deps);
      await grow(shop, carts[3]!.id, 1, FIRST);
      if (when.includes("analysed")) await shop.sql`ANALYZE`;
      await buy(shop, carts[1]!.id, deps);
      await grow(shop, carts[3]!.id, FIRST + 1, OTHERS);
      const before = await rowsRead(sql);
      expect(await buy(shop, carts[2]!.id, deps)).toMatchObject({ status: 201 });
      const after = await rowsRead(sql);
      const many = [...after]
        .map(([table, count]) => ({ table, read: count - (before.get(table) ?? 0) }))
        .filter(({ read }) => read > FEW);
      expect(many).toEqual([]);
    } finally {
      await sql.end();
      await shop.drop();
    }
  },
);
