/** SQL of the module that is not in its functions (migrations/). */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { MethodStatus, OfferedMethod, ShippingMethod } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, name, currency, amount_minor AS "amountMinor", countries, free_over_minor AS "freeOverMinor",
  tax_category AS "taxCategory", status, version, created_at AS "createdAt", updated_at AS "updatedAt"`;

export type Settings = Omit<ShippingMethod, "id" | "currency" | "version" | "createdAt" | "updatedAt">;

/** New methods of a store follow one another, so that they can be counted. */
export async function lockStore(tx: Tx, storeId: string): Promise<number> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended('shipping.method:' || ${storeId}, 0))`;
  const [row] = await tx<{ count: number }[]>`
    SELECT count(*)::int AS count FROM shipping.method WHERE store_id = ${storeId}`;
  return row!.count;
}

export async function insertMethod(
  tx: Tx,
  storeId: string,
  m: Settings & { id: string; currency: string },
): Promise<ShippingMethod> {
  const [row] = await tx<ShippingMethod[]>`
    INSERT INTO shipping.method
      (store_id, id, name, currency, amount_minor, countries, free_over_minor, tax_category, status)
    VALUES (${storeId}, ${m.id}, ${m.name}, ${m.currency}, ${m.amountMinor}, ${m.countries}, ${m.freeOverMinor},
            ${m.taxCategory}, ${m.status})
    RETURNING ${columns(tx)}`;
  return row!;
}

export async function selectMethod(sql: Sql, storeId: string, id: string): Promise<ShippingMethod | null> {
  const [row] = await sql<ShippingMethod[]>`
    SELECT ${columns(sql)} FROM shipping.method WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

export async function selectMethods(
  sql: Sql,
  storeId: string,
  query: { after: string | null; status: MethodStatus | null; limit: number },
): Promise<ShippingMethod[]> {
  return sql<ShippingMethod[]>`
    SELECT ${columns(sql)} FROM shipping.method
    WHERE store_id = ${storeId} AND (${query.after}::text IS NULL OR id > ${query.after})
      AND (${query.status}::text IS NULL OR status = ${query.status})
    ORDER BY id LIMIT ${query.limit}`;
}

/** All that are active, cheapest first. */
export async function selectOffered(sql: Sql, storeId: string): Promise<OfferedMethod[]> {
  return sql<OfferedMethod[]>`
    SELECT id, name, currency, amount_minor AS "amountMinor", countries, free_over_minor AS "freeOverMinor"
    FROM shipping.method WHERE store_id = ${storeId} AND status = 'active' ORDER BY amount_minor, id`;
}

export async function lockMethod(tx: Tx, storeId: string, id: string): Promise<ShippingMethod | null> {
  const [row] = await tx<ShippingMethod[]>`
    SELECT ${columns(tx)} FROM shipping.method WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

export async function updateMethod(
  tx: Tx,
  storeId: string,
  id: string,
  m: Settings,
): Promise<ShippingMethod> {
  const [row] = await tx<ShippingMethod[]>`
    UPDATE shipping.method
    SET name = ${m.name}, amount_minor = ${m.amountMinor}, countries = ${m.countries},
        free_over_minor = ${m.freeOverMinor}, tax_category = ${m.taxCategory}, status = ${m.status},
        version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id} RETURNING ${columns(tx)}`;
  return row!;
}

export async function removeMethod(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM shipping.method WHERE store_id = ${storeId} AND id = ${id}`;
}
