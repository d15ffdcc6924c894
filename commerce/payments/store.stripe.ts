/** SQL of the provider `stripe`: what we have asked it for. Runs on connections of its own, never in a transaction of ours. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Intent } from "./provider.ts";

type Known = Pick<Intent, "storeId" | "intentId">;

/** `amountMinor` 0: it was voided before it was asked for. */
export type Asked = Intent & { stripeId: string | null; voided: boolean };

const columns = (sql: Sql) => sql`
  store_id AS "storeId", intent_id AS "intentId", amount_minor AS "amountMinor", currency, stripe_id AS "stripeId", voided`;

/** Before the first call: from now on the same request can be made again. */
export async function note(sql: Sql, intent: Intent): Promise<Asked> {
  await sql`
    INSERT INTO payments.stripe_intent (store_id, intent_id, amount_minor, currency)
    VALUES (${intent.storeId}, ${intent.intentId}, ${intent.amountMinor}, ${intent.currency}) ON CONFLICT DO NOTHING`;
  return (await find(sql, intent))!;
}

export async function find(sql: Sql, { storeId, intentId }: Known): Promise<Asked | null> {
  const [row] = await sql<Asked[]>`
    SELECT ${columns(sql)} FROM payments.stripe_intent WHERE store_id = ${storeId} AND intent_id = ${intentId}`;
  return row ?? null;
}

export async function rememberId(sql: Sql, { storeId, intentId }: Known, stripeId: string): Promise<void> {
  await sql`
    UPDATE payments.stripe_intent SET stripe_id = ${stripeId}
    WHERE store_id = ${storeId} AND intent_id = ${intentId} AND stripe_id IS NULL`;
}

/** An intent never heard of is remembered as voided, so that a late authorisation of it comes to nothing. */
export async function markVoided(sql: Sql, { storeId, intentId }: Known): Promise<Asked> {
  const [row] = await sql<Asked[]>`
    INSERT INTO payments.stripe_intent (store_id, intent_id, amount_minor, currency, voided)
    VALUES (${storeId}, ${intentId}, 0, '', true)
    ON CONFLICT (store_id, intent_id) DO UPDATE SET voided = true
    RETURNING ${columns(sql)}`;
  return row!;
}
