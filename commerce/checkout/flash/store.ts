/** SQL of flash mode that is not in its functions (migrations/). */
import type { OutboxRow } from "../../../bus/index.ts";
import { type Db, retried, type Sql } from "../../../platform/postgres/index.ts";
import type { Answered, Attempt } from "../model.ts";

export async function switchedOn(sql: Sql, storeId: string): Promise<Set<string>> {
  const rows = await sql<{ variantId: string }[]>`
    SELECT variant_id AS "variantId" FROM checkout.flash_switch WHERE store_id = ${storeId} AND until > now()`;
  return new Set(rows.map(row => row.variantId));
}

export type Switch = { variantId: string | null; author: string; at: Date; until: Date | null };

export async function selectSwitches(sql: Sql, storeId: string, limit: number): Promise<Switch[]> {
  return sql<Switch[]>`
    SELECT nullif(variant_id, '') AS "variantId", author, at, nullif(until, 'infinity') AS until
    FROM checkout.flash_switch
    WHERE store_id = ${storeId} AND until > now() ORDER BY variant_id LIMIT ${limit}`;
}

export async function switchOn(sql: Sql, storeId: string, variantId: string, author: string): Promise<void> {
  await sql`
    INSERT INTO checkout.flash_switch AS s (store_id, variant_id, author) VALUES (${storeId}, ${variantId}, ${author})
    ON CONFLICT (store_id, variant_id) DO UPDATE SET author = excluded.author, at = now(), until = 'infinity'`;
}

/** Who switches by load. */
export const LOAD = "load";

/** What an admin has switched on is left as it is. */
export async function switchOnForLoad(
  sql: Sql,
  storeId: string,
  variantId: string,
  seconds: number,
): Promise<void> {
  await sql`
    INSERT INTO checkout.flash_switch AS s (store_id, variant_id, author, until)
    VALUES (${storeId}, ${variantId}, ${LOAD}, now() + ${seconds} * interval '1 second')
    ON CONFLICT (store_id, variant_id) DO UPDATE
    SET author = excluded.author, at = CASE WHEN s.until > now() THEN s.at ELSE now() END, until = greatest(s.until, excluded.until)
    WHERE s.until < 'infinity'`;
}

/** Only what is still on: an admin may have switched it off. */
export async function renewForLoad(
  sql: Sql,
  storeId: string,
  variantId: string,
  seconds: number,
): Promise<void> {
  await sql`
    UPDATE checkout.flash_switch SET until = greatest(until, now() + ${seconds} * interval '1 second')
    WHERE store_id = ${storeId} AND variant_id = ${variantId} AND author = ${LOAD} AND until BETWEEN now() AND 'infinity'`;
}

/** Lines of carts, as {@link Seen} has them. */
export async function linesOf(
  sql: Sql,
  storeId: string,
  carts: readonly string[],
): Promise<(string | null)[]> {
  const rows = await sql<{ lines: string | null }[]>`
    SELECT lines FROM carts.queueable(${carts.map(() => storeId)}, ${carts as string[]})`;
  return rows.map(row => row.lines);
}

export async function switchOff(sql: Sql, storeId: string, variantId: string): Promise<void> {
  await sql`DELETE FROM checkout.flash_switch WHERE store_id = ${storeId} AND variant_id = ${variantId}`;
}

export async function hasVariant(sql: Sql, storeId: string, variantId: string): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM catalog.sellable(${storeId}, ${[variantId]})`;
  return rows.length > 0;
}

export type Wanted = { storeId: string; key: string; cartId: string };
export type Seen = {
  attempt: { orderId: string; fingerprint: string; status: "in_progress" | "done" } | null;
  stored: Answered | null;
  cartStatus: "open" | "checking_out" | "completed" | null;
  version: number | null;
  /** `variant:quantity`, comma-separated, in the order they were added; null when there are none. */
  lines: string | null;
};

export async function look(sql: Sql, wanted: readonly Wanted[]): Promise<Seen[]> {
  const column = (name: keyof Wanted) => wanted.map(one => one[name]);
  return sql<Seen[]>`
    SELECT attempt, stored, cart_status AS "cartStatus", version, lines
    FROM checkout.flash_look(${column("storeId")}, ${column("key")}, ${column("cartId")}) ORDER BY n`;
}

export async function attemptOrder(sql: Sql, storeId: string, key: string): Promise<string | null> {
  const [row] = await sql<{ orderId: string }[]>`
    SELECT order_id AS "orderId" FROM checkout.attempt WHERE store_id = ${storeId} AND key = ${key}`;
  return row?.orderId ?? null;
}

/** One checkout of a batch. */
export type FlashRequest = {
  storeId: string;
  key: string;
  fingerprint: string;
  cartId: string;
  /** What was known of the cart when it queued. */
  version: number;
  lines: string;
  orderId: string;
  number: string;
  reservationId: string;
  intentId: string;
  provider: string;
  traceparent: string;
  payWith: string;
};

export type BatchTerms = {
  /** Some of it may have been served before. */
  again: boolean;
  /** Most will get their stock: a guess, which decides how their carts are locked. */
  hopeful: boolean;
  leaseMs: number;
  holdMs: number;
  /** What follows from stock.changed (inventory.announce). */
  changed: readonly unknown[];
  /** What follows for orders that got their stock, made for one called `$order`. */
  jobs: readonly OutboxRow[];
};

type Column = Exclude<keyof FlashRequest, "storeId">;
export type Columns = { storeId: string } & Record<Column, string>;

/** A batch as the statement takes it: an array for each column, as Postgres reads it. All are of one store. */
export function columnsOf(requests: readonly FlashRequest[]): Columns {
  const column = (name: Column) => arrayOf(requests, name);
  return {
    storeId: requests[0]!.storeId,
    key: column("key"),
    fingerprint: column("fingerprint"),
    cartId: column("cartId"),
    version: column("version"),
    lines: column("lines"),
    orderId: column("orderId"),
    number: column("number"),
    reservationId: column("reservationId"),
    intentId: column("intentId"),
    provider: column("provider"),
    traceparent: column("traceparent"),
    payWith: column("payWith"),
  };
}

/** (The driver's own way takes several times as long; a text put together with `+` would be made one piece by the driver, late.) */
function arrayOf(requests: readonly FlashRequest[], name: Column): string {
  return `{${requests.map(request => quoted(String(request[name]))).join(",")}}`;
}

function quoted(value: string): string {
  return `"${/["\\]/.test(value) ? value.replaceAll(/["\\]/g, "\\$&") : value}"`;
}

/** Serves a batch in its order; how many got their stock. */
export async function serveBatch(sql: Sql, columns: Columns, terms: BatchTerms): Promise<number> {
  const { leaseMs, holdMs } = terms;
  const [row] = await retried(
    () => sql<{ count: number }[]>`
      SELECT checkout.flash_batch(
        ${columns.storeId}, ${columns.key}, ${columns.fingerprint}, ${columns.cartId}, ${columns.version},
        ${columns.lines}, ${columns.orderId}, ${columns.number}, ${columns.reservationId}, ${columns.intentId},
        ${columns.provider}, ${columns.traceparent}, ${columns.payWith}, ${terms.again}, ${terms.hopeful},
        ${leaseMs} * interval '1 millisecond', ${holdMs} * interval '1 millisecond',
        ${sql.json(terms.changed as never)}, ${sql.json(terms.jobs as never)}) AS count`,
  );
  return row!.count;
}

export async function refuse(sql: Sql, storeId: string, orderId: string, code: string): Promise<void> {
  await sql`
    INSERT INTO checkout.flash_outcome (store_id, order_id, code) VALUES (${storeId}, ${orderId}, ${code})
    ON CONFLICT DO NOTHING`;
}

export type Outcome = { code: string; facts: Record<string, unknown>; sameAs: string | null };

export async function outcomeOf(sql: Sql, storeId: string, orderId: string): Promise<Outcome | null> {
  const [row] = await sql<{ outcome: Outcome | null }[]>`
    SELECT checkout.flash_outcome_of(${storeId}, ${orderId}) AS outcome`;
  return row?.outcome ?? null;
}

export async function takeToPay(
  sql: Db,
  storeId: string,
  orderId: string,
  leaseMs: number,
): Promise<(Attempt & { payWith: string | null }) | null> {
  const [row] = await sql<{ attempt: (Attempt & { payWith: string | null }) | null }[]>`
    SELECT checkout.flash_take(${storeId}, ${orderId}, ${leaseMs}) AS attempt`;
  return row?.attempt ?? null;
}

/** The attempt that waits for word of this intent, its lease renewed; null: none does. */
export async function takeByIntent(
  sql: Db,
  storeId: string,
  intentId: string,
  leaseMs: number,
): Promise<Attempt | null> {
  const [row] = await sql<{ attempt: Attempt | null }[]>`
    SELECT checkout.flash_take(${storeId}, payments.order_of(${storeId}, ${intentId}), ${leaseMs}) AS attempt`;
  return row?.attempt ?? null;
}

/** Takes a lane for the session of `connection`; false when another session has it. */
export async function lockLane(connection: Sql, lock: number, lane: number): Promise<boolean> {
  const [row] = await connection<
    { yes: boolean }[]
  >`SELECT pg_try_advisory_lock(${lock}::int, ${lane}::int) AS yes`;
  return row!.yes;
}

export async function unlockLanes(connection: Sql): Promise<void> {
  await connection`SELECT pg_advisory_unlock_all()`;
}
