/** SQL of the module that is not in its functions (migrations/). */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { TaxCategory, TaxRate, TaxSettings } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, country, nullif(region, '') AS region, category, name, rate_ppm AS "ratePpm", version,
  created_at AS "createdAt", updated_at AS "updatedAt"`;

/** Null when the place has a rate of that category already. */
export async function insertRate(
  tx: Tx,
  storeId: string,
  rate: Pick<TaxRate, "id" | "country" | "region" | "category" | "name" | "ratePpm">,
): Promise<TaxRate | null> {
  const [row] = await tx<TaxRate[]>`
    INSERT INTO taxes.rate (store_id, id, country, region, category, name, rate_ppm)
    VALUES (${storeId}, ${rate.id}, ${rate.country}, ${rate.region ?? ""}, ${rate.category}, ${rate.name},
            ${rate.ratePpm})
    ON CONFLICT (store_id, country, region, category) DO NOTHING
    RETURNING ${columns(tx)}`;
  return row ?? null;
}

export async function selectRate(sql: Sql, storeId: string, id: string): Promise<TaxRate | null> {
  const [row] = await sql<TaxRate[]>`
    SELECT ${columns(sql)} FROM taxes.rate WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

export async function selectRates(
  sql: Sql,
  storeId: string,
  query: { after: string | null; country: string | null; limit: number },
): Promise<TaxRate[]> {
  return sql<TaxRate[]>`
    SELECT ${columns(sql)} FROM taxes.rate
    WHERE store_id = ${storeId} AND (${query.after}::text IS NULL OR id > ${query.after})
      AND (${query.country}::text IS NULL OR country = ${query.country})
    ORDER BY id LIMIT ${query.limit}`;
}

export async function lockRate(tx: Tx, storeId: string, id: string): Promise<TaxRate | null> {
  const [row] = await tx<TaxRate[]>`
    SELECT ${columns(tx)} FROM taxes.rate WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

export async function updateRate(
  tx: Tx,
  storeId: string,
  id: string,
  rate: Pick<TaxRate, "name" | "ratePpm">,
): Promise<TaxRate> {
  const [row] = await tx<TaxRate[]>`
    UPDATE taxes.rate
    SET name = ${rate.name}, rate_ppm = ${rate.ratePpm}, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id} RETURNING ${columns(tx)}`;
  return row!;
}

export async function removeRate(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM taxes.rate WHERE store_id = ${storeId} AND id = ${id}`;
}

const settingColumns = (sql: Sql) => sql`
  prices_include_tax AS "pricesIncludeTax", default_country AS "defaultCountry", version`;

export async function selectSettings(sql: Sql, storeId: string): Promise<TaxSettings | null> {
  const [row] = await sql<TaxSettings[]>`
    SELECT ${settingColumns(sql)} FROM taxes.setting WHERE store_id = ${storeId}`;
  return row ?? null;
}

/** Makes the row with its defaults where it is missing, and locks it. */
export async function lockSettings(tx: Tx, storeId: string): Promise<TaxSettings> {
  await tx`INSERT INTO taxes.setting (store_id) VALUES (${storeId}) ON CONFLICT DO NOTHING`;
  const [row] = await tx<TaxSettings[]>`
    SELECT ${settingColumns(tx)} FROM taxes.setting WHERE store_id = ${storeId} FOR UPDATE`;
  return row!;
}

export async function updateSettings(
  tx: Tx,
  storeId: string,
  settings: Pick<TaxSettings, "pricesIncludeTax" | "defaultCountry">,
): Promise<TaxSettings> {
  const [row] = await tx<TaxSettings[]>`
    UPDATE taxes.setting
    SET prices_include_tax = ${settings.pricesIncludeTax}, default_country = ${settings.defaultCountry},
        version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} RETURNING ${settingColumns(tx)}`;
  return row!;
}

export async function selectCategory(sql: Sql, storeId: string, productId: string): Promise<TaxCategory> {
  const [row] = await sql<{ category: TaxCategory }[]>`
    SELECT category FROM taxes.categories(${storeId}, ${[productId]})`;
  return row?.category ?? "standard";
}

export async function putCategory(
  tx: Tx,
  storeId: string,
  productId: string,
  category: TaxCategory,
): Promise<void> {
  if (category === "standard") {
    await tx`DELETE FROM taxes.product_category WHERE store_id = ${storeId} AND product_id = ${productId}`;
    return;
  }
  await tx`
    INSERT INTO taxes.product_category (store_id, product_id, category)
    VALUES (${storeId}, ${productId}, ${category})
    ON CONFLICT (store_id, product_id) DO UPDATE SET category = excluded.category`;
}
