/** SQL of flash mode that is not in its functions (migrations/). */
import type { OutboxRow } from "../../../bus/index.ts";
import { type Db, retried, type Sql } from "../../../platform/postgres/index.ts";
import type { Answered, Attempt, BeginRequest, Begun } from "../model.ts";

export async function switchedOn(sql: Sql, storeId: string): Promise<Set<string>> {
  const rows = await sql<{ variantId: string }[]>`
    SELECT variant_id AS "variantId" FROM checkout.flash_switch WHERE store_id = ${storeId} AND until > now()`;
  return new Set(rows.map(row => row.variantId));
}

export type Switch = { variantId: string | null; author: string; at: Date };

export async function selectSwitches(sql: Sql, storeId: string, limit: number): Promise<Switch[]> {
  return sql<Switch[]>`
    SELECT nullif(variant_id, '') AS "variantId", author, at FROM checkout.flash_switch
    WHERE store_id = ${storeId} AND until > now() ORDER BY variant_id LIMIT ${limit}`;
}

export async function switchOn(sql: Sql, storeId: string, variantId: string, author: string): Promise<void> {
  await sql`
    INSERT INTO checkout.flash_switch AS s (store_id, variant_id, author) VALUES (${storeId}, ${variantId}, ${author})
    ON CONFLICT (store_id, variant_id) DO UPDATE SET author = excluded.author, at = now(), until = 'infinity'`;
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
  variants: string[] | null;
};

export async function look(sql: Sql, wanted: readonly Wanted[]): Promise<Seen[]> {
  return sql<Seen[]>`
    SELECT attempt, stored, cart_status AS "cartStatus", variants
    FROM checkout.flash_look(${sql.json(wanted as never)}) ORDER BY n`;
}

export async function attemptOrder(sql: Sql, storeId: string, key: string): Promise<string | null> {
  const [row] = await sql<{ orderId: string }[]>`
    SELECT order_id AS "orderId" FROM checkout.attempt WHERE store_id = ${storeId} AND key = ${key}`;
  return row?.orderId ?? null;
}

export type FlashRequest = BeginRequest & { payWith: string; rows: readonly OutboxRow[] };

/** One batch of a lane; null: this very request was served before. */
export async function begin(sql: Sql, requests: readonly FlashRequest[]): Promise<(Begun | null)[]> {
  const numbered = requests.map((request, i) => ({ n: i + 1, ...request }));
  const rows = await retried(
    () => sql<{ result: Begun | null }[]>`
      SELECT result FROM checkout.flash_begin(${sql.json(numbered as never)}) ORDER BY n`,
  );
  return rows.map(row => row.result);
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

export async function forgetOutcomes(sql: Sql, limit: number): Promise<void> {
  await sql`SELECT checkout.forget_outcomes(${limit})`;
}
