/** All SQL of the module. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { CurrentPrice, NewPrice } from "./model.ts";
import type { ResolvedPrice } from "./resolve.ts";

/**
 * Writes what differs and returns the products concerned. Rows are taken in the order of their key, the same in every
 * flow, so that two writers can't wait for each other.
 */
export async function upsertPrices(
  sql: Sql,
  storeId: string,
  currency: string,
  prices: readonly NewPrice[],
): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    INSERT INTO pricing.price AS p
      (store_id, variant_id, currency, product_id, amount_minor, compare_at_minor)
    SELECT ${storeId}, n."variantId", ${currency}, n."productId", n."amountMinor", n."compareAtMinor"
    FROM jsonb_to_recordset(${sql.json(prices as never)}) AS n
      ("variantId" text, "productId" text, "amountMinor" bigint, "compareAtMinor" bigint)
    ORDER BY n."variantId"
    ON CONFLICT (store_id, variant_id, currency) DO UPDATE
    SET amount_minor = excluded.amount_minor, compare_at_minor = excluded.compare_at_minor, updated_at = now(),
        version = p.version + (p.amount_minor <> excluded.amount_minor)::int
    WHERE (p.amount_minor, p.compare_at_minor)
          IS DISTINCT FROM (excluded.amount_minor, excluded.compare_at_minor)
    RETURNING product_id AS "productId"`;
  return [...new Set(rows.map(row => row.productId))];
}

export async function selectCurrent(
  sql: Sql,
  storeId: string,
  currency: string,
  variantIds: readonly string[],
): Promise<CurrentPrice[]> {
  return sql<CurrentPrice[]>`
    SELECT variant_id AS "variantId", amount_minor AS "amountMinor", compare_at_minor AS "compareAtMinor",
           version, source
    FROM pricing.current(${storeId}, ${currency}, ${variantIds as string[]})`;
}

/** Milliseconds to the next moment at which a list with one of these variants opens or closes; null: none is planned. */
export async function selectNextBoundary(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<number | null> {
  const [row] = await sql<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM min(b.at) - clock_timestamp()) * 1000)::float8 AS ms
    FROM pricing.boundary b
    WHERE b.store_id = ${storeId} AND EXISTS (
      SELECT FROM pricing.list_entry e
      WHERE e.store_id = b.store_id AND e.list_id = b.list_id AND e.variant_id = ANY(${variantIds as string[]}))`;
  return row!.ms;
}

export async function deletePrices(sql: Sql, storeId: string, variantIds: readonly string[]): Promise<void> {
  const ids = variantIds as string[];
  await sql`
    WITH entries AS (
      DELETE FROM pricing.list_entry WHERE store_id = ${storeId} AND variant_id = ANY(${ids}))
    DELETE FROM pricing.price WHERE store_id = ${storeId} AND variant_id = ANY(${ids})`;
}

/** One row for each item in their order; `status` is the product's, null for a variant that the store doesn't have. */
export async function selectResolved(
  sql: Sql,
  storeId: string,
  currency: string,
  items: readonly { variantId: string; quantity: number }[],
  segmentIds: readonly string[],
): Promise<(ResolvedPrice & { status: string | null })[]> {
  const variantIds = [...new Set(items.map(item => item.variantId))];
  return sql<(ResolvedPrice & { status: string | null })[]>`
    WITH item AS MATERIALIZED (
      SELECT i.n, i."variantId" AS variant_id, i.quantity
      FROM ROWS FROM (jsonb_to_recordset(${sql.json(items as never)}) AS ("variantId" text, quantity integer))
           WITH ORDINALITY AS i("variantId", quantity, n))
    SELECT i.variant_id AS "variantId", i.quantity, r.amount_minor AS "amountMinor",
           r.compare_at_minor AS "compareAtMinor", r.source, s.status
    FROM item i
    LEFT JOIN pricing.resolve(${storeId}, ${currency}, ${sql.json(items as never)},
                              ${segmentIds as string[]}, now()) r ON r.n = i.n
    LEFT JOIN catalog.sellable(${storeId}, ${variantIds}) s ON s.variant_id = i.variant_id
    ORDER BY i.n`;
}

export async function selectCurrencies(sql: Sql, storeId: string): Promise<string[]> {
  const rows = await sql<{ currency: string }[]>`
    SELECT currency FROM pricing.store_currency WHERE store_id = ${storeId} ORDER BY currency`;
  return rows.map(row => row.currency);
}

/** False when it was enabled before. */
export async function insertCurrency(sql: Sql, storeId: string, currency: string): Promise<boolean> {
  const rows = await sql`
    INSERT INTO pricing.store_currency (store_id, currency) VALUES (${storeId}, ${currency})
    ON CONFLICT DO NOTHING RETURNING 1`;
  return rows.length > 0;
}

export async function deleteCurrency(sql: Sql, storeId: string, currency: string): Promise<boolean> {
  const rows = await sql`
    DELETE FROM pricing.store_currency WHERE store_id = ${storeId} AND currency = ${currency} RETURNING 1`;
  return rows.length > 0;
}
