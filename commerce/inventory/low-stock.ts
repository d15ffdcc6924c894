/**
 * Low stock. A level with a threshold becomes low when its available units fall to it, and is told about once each time that
 * happens: a trigger writes the crossing in the transaction that takes the units (nothing else could see every flow), and
 * {@link sweepLowStock} marks it and emits `stock.low` in one transaction. A crash before its commit leaves the crossing
 * for the next sweep; after it the job is in the outbox.
 */
import { type Bus, emit } from "../../bus/index.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";

/** Crossings that one sweep announces. */
const BATCH = 200;

/** What a merchant is told. */
export type LowStock = {
  variantId: string;
  sku: string | null;
  title: string | null;
  location: string;
  /** When it crossed. */
  available: number;
  threshold: number;
};

/** Emits `stock.low` once for each crossing and returns how many. For keepers; any number may run. */
export async function sweepLowStock(deps: { sql: Db; bus?: Pick<Bus, "poke"> }): Promise<number> {
  const count = await transaction(deps.sql, async tx => {
    const crossings = await tx<{ storeId: string; id: string }[]>`
      UPDATE inventory.low_crossing c SET announced_at = now()
      FROM (SELECT n.store_id, n.id FROM inventory.low_crossing n WHERE n.announced_at IS NULL
            ORDER BY n.id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) new
      WHERE c.store_id = new.store_id AND c.id = new.id RETURNING c.store_id AS "storeId", c.id`;
    for (const { storeId, id } of crossings) {
      await emit(tx, { storeId }, { type: "stock.low", crossingId: id });
    }
    return crossings.length;
  });
  if (count > 0) deps.bus?.poke();
  return count;
}

/** Null when there is no such crossing. */
export async function findLowStock(sql: Sql, storeId: string, crossingId: string): Promise<LowStock | null> {
  const [row] = await sql<LowStock[]>`
    SELECT c.variant_id AS "variantId", s.sku,
           CASE WHEN s.title = s.product_title THEN s.title ELSE s.product_title || ' – ' || s.title END AS title,
           o.name AS location, c.available, c.threshold
    FROM inventory.low_crossing c
    JOIN inventory.location o ON o.store_id = c.store_id AND o.id = c.location_id
    LEFT JOIN catalog.sellable(${storeId}, ARRAY[c.variant_id]) s ON true
    WHERE c.store_id = ${storeId} AND c.id = ${crossingId}`;
  return row ?? null;
}
