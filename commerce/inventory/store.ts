/** SQL of the module that is not in its functions (migrations/). */
import type { Db, Sql } from "../../platform/postgres/index.ts";
import type { Adjustment, AdjustOutcome, Level } from "./model.ts";
import { levelColumns } from "./store.levels.ts";

/** Outbox rows made for one product called `$product`; `inventory.announce` fills in the real ones. */
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

export type AdjustRequest = Adjustment & { changed: ChangedTemplate; audit: readonly unknown[] };
export type Adjusted = { outcome: AdjustOutcome; level: Level | null };

/**
 * One statement and one transaction, answers in the order of the requests; taken in the order of the locks. `level` is
 * null where there is none.
 */
export async function adjust(sql: Sql, requests: readonly AdjustRequest[]): Promise<Adjusted[]> {
  const rows = requests.map((request, n) => ({ ...request, n }));
  const answers = await sql<(Level & { n: number; outcome: AdjustOutcome })[]>`
    SELECT r.n, a.outcome, ${levelColumns(sql)}
    FROM (SELECT * FROM jsonb_to_recordset(${sql.json(rows as never)}) AS q(n integer, "storeId" text, "variantId" text,
            "locationId" text, delta bigint, reason text, author text, key text, changed jsonb, audit jsonb)
          ORDER BY q."storeId", q."variantId", q."locationId", q.n) r,
         LATERAL inventory.adjust(r."storeId", r."variantId", r."locationId", r.delta, r.reason, r.author, r.key,
                                  r.changed, r.audit) a,
         LATERAL (SELECT (a.level).*) l`;
  return answers
    .toSorted((a, b) => a.n - b.n)
    .map(({ n: _, outcome, ...level }) => ({ outcome, level: level.variantId === null ? null : level }));
}

/** `done`: by this call; else how it stands. */
export type Settled = "done" | "held" | "committed" | "released" | "unknown";
export type ReservationKey = { storeId: string; reservationId: string };

/** One statement and one transaction; answers in the order of the keys. */
export async function commit(sql: Db, keys: readonly ReservationKey[]): Promise<Settled[]> {
  const rows = await sql<{ outcome: Settled }[]>`
    SELECT outcome FROM inventory.commit_group(
      ${keys.map(key => key.storeId)}::text[], ${keys.map(key => key.reservationId)}::text[])`;
  return rows.map(row => row.outcome);
}

/** As {@link commit}; `changed` is for all reservations of a store. */
export async function releaseLapsed(
  sql: Db,
  keys: readonly (ReservationKey & { changed: ChangedTemplate })[],
): Promise<Settled[]> {
  const changed = Object.fromEntries(keys.map(key => [key.storeId, key.changed]));
  const rows = await sql<{ outcome: Settled }[]>`
    SELECT outcome FROM inventory.release_lapsed_group(
      ${keys.map(key => key.storeId)}::text[], ${keys.map(key => key.reservationId)}::text[],
      ${sql.json(changed as never)})`;
  return rows.map(row => row.outcome);
}

export async function lapse(sql: Sql, limit: number): Promise<{ storeId: string; reservationId: string }[]> {
  return sql<{ storeId: string; reservationId: string }[]>`
    SELECT store_id AS "storeId", reservation_id AS "reservationId" FROM inventory.lapse(${limit})`;
}
