/** SQL of the module that is not in its functions (migrations/). */
import type { Db, Sql } from "../../platform/postgres/index.ts";
import type { Adjustment, AdjustOutcome } from "./model.ts";

/** Outbox rows made for a product called `$product`; `inventory.announce` fills in the real ones. */
export type ChangedTemplate = readonly unknown[];

/** The product of a variant, draft or not; null when the store has no such variant. */
export async function productOf(sql: Sql, storeId: string, variantId: string): Promise<string | null> {
  const [row] = await sql<{ productId: string }[]>`
    SELECT product_id AS "productId" FROM catalog.sellable(${storeId}, ${[variantId]})`;
  return row?.productId ?? null;
}

/** The default location, made when the store has none. */
export async function defaultLocation(tx: Sql, storeId: string): Promise<string> {
  const [row] = await tx<{ id: string }[]>`SELECT inventory.default_location(${storeId}) AS id`;
  return row!.id;
}

export async function adjust(
  tx: Sql,
  change: Adjustment,
  productId: string,
  changed: ChangedTemplate,
): Promise<{ outcome: AdjustOutcome; locationId: string }> {
  const [row] = await tx<{ outcome: AdjustOutcome; locationId: string }[]>`
    SELECT outcome, location_id AS "locationId"
    FROM inventory.adjust(${change.storeId}, ${change.variantId}, ${productId}, ${change.locationId ?? null},
                          ${change.delta}, ${change.reason}, ${change.author}, ${change.key},
                          ${tx.json(changed as never)})`;
  return row!;
}

export async function commit(sql: Db, storeId: string, reservationId: string): Promise<boolean> {
  const [row] = await sql<{ yes: boolean }[]>`SELECT inventory.commit(${storeId}, ${reservationId}) AS yes`;
  return row!.yes;
}

export async function releaseLapsed(
  sql: Db,
  storeId: string,
  reservationId: string,
  changed: ChangedTemplate,
): Promise<boolean> {
  const [row] = await sql<{ yes: boolean }[]>`
    SELECT inventory.release(${storeId}, ${reservationId}, true, ${sql.json(changed as never)}) AS yes`;
  return row!.yes;
}

export async function reservationStatus(
  sql: Sql,
  storeId: string,
  reservationId: string,
): Promise<"held" | "committed" | "released" | null> {
  const [row] = await sql<{ status: "held" | "committed" | "released" }[]>`
    SELECT status FROM inventory.reservation WHERE store_id = ${storeId} AND id = ${reservationId}`;
  return row?.status ?? null;
}

export async function lapse(sql: Sql, limit: number): Promise<{ storeId: string; reservationId: string }[]> {
  return sql<{ storeId: string; reservationId: string }[]>`
    SELECT store_id AS "storeId", reservation_id AS "reservationId" FROM inventory.lapse(${limit})`;
}
