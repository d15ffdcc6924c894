/** SQL of the module that is not in its functions: intents to be voided, and the books of the provider `test`. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Intent, PaymentResult, PaymentState, Refund, RefundResult } from "./provider.ts";

type Known = Pick<Intent, "storeId" | "intentId">;

export type VoidingIntent = Known & { provider: string };

/** Intents promised to be voided and not tried for `afterMs`; marks them as tried now. Any number of sweeps may run. */
export async function takeVoiding(sql: Sql, afterMs: number, limit: number): Promise<VoidingIntent[]> {
  return sql<VoidingIntent[]>`
    UPDATE payments.intent i SET updated_at = now()
    FROM (SELECT d.store_id, d.id FROM payments.intent d
          WHERE d.status = 'voiding' AND d.updated_at < now() - ${afterMs} * interval '1 millisecond'
          ORDER BY d.updated_at LIMIT ${limit} FOR UPDATE SKIP LOCKED) due
    WHERE i.store_id = due.store_id AND i.id = due.id
    RETURNING i.store_id AS "storeId", i.id AS "intentId", i.provider`;
}

/** Keeps what a provider told, with the jobs that follow; false when it had come before. */
export async function receiveEvent(sql: Sql, event: object, rows: readonly unknown[]): Promise<boolean> {
  const [row] = await sql<{ yes: boolean }[]>`
    SELECT payments.receive(${sql.json(event as never)}, ${sql.json(rows as never)}) AS yes`;
  return row!.yes;
}

export async function markVoided(sql: Sql, { storeId, intentId }: Known): Promise<void> {
  await sql`SELECT payments.move(${storeId}, ${intentId}, ${["voiding"]}, 'voided')`;
}

export type Charge = Intent & { wanted: PaymentResult };

/**
 * The first call of an intent decides; later ones see what it came to. The answers stand in the order of the charges.
 *
 * The disk is not waited for: a company outside has its own. Whatever commits after this answer (T2, say) takes the row to the
 * disk with it; where nothing does, a crash of Postgres leaves an intent that the company knows nothing of, and recovery asks.
 */
export async function openCharges(sql: Sql, charges: readonly Charge[]): Promise<PaymentResult[]> {
  const column = <K extends keyof Charge>(name: K) => charges.map(charge => charge[name]);
  const made = await sql<{ intentId: string; status: PaymentResult }[]>`
    INSERT INTO payments.test_charge (store_id, intent_id, amount_minor, currency, status)
    SELECT DISTINCT ON (c.store_id, c.intent_id) c.store_id, c.intent_id, c.amount_minor, c.currency, c.status
    FROM unnest(${column("storeId")}::text[], ${column("intentId")}::text[], ${column("amountMinor")}::bigint[],
                ${column("currency")}::text[], ${column("wanted")}::text[])
         WITH ORDINALITY AS c(store_id, intent_id, amount_minor, currency, status, n)
    CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced
    ORDER BY c.store_id, c.intent_id, c.n
    ON CONFLICT (store_id, intent_id) DO NOTHING RETURNING intent_id AS "intentId", status`;
  const states = new Map(made.map(row => [row.intentId, row.status]));
  return Promise.all(
    charges.map(
      async charge => states.get(charge.intentId) ?? ((await chargeState(sql, charge)) as PaymentResult),
    ),
  );
}

export type IntentFacts = { provider: string; status: string; amountMinor: number; currency: string };

export async function selectIntent(sql: Sql, { storeId, intentId }: Known): Promise<IntentFacts | null> {
  const [row] = await sql<IntentFacts[]>`
    SELECT provider, status, amount_minor AS "amountMinor", currency
    FROM payments.intent WHERE store_id = ${storeId} AND id = ${intentId}`;
  return row ?? null;
}

export async function chargeState(sql: Sql, { storeId, intentId }: Known): Promise<PaymentState> {
  const [row] = await sql<{ status: PaymentResult }[]>`
    SELECT status FROM payments.test_charge WHERE store_id = ${storeId} AND intent_id = ${intentId}`;
  return row?.status ?? "unknown";
}

export async function captureCharge(sql: Sql, { storeId, intentId }: Known): Promise<PaymentResult> {
  await sql`
    UPDATE payments.test_charge SET status = 'captured'
    WHERE store_id = ${storeId} AND intent_id = ${intentId} AND status = 'authorised'`;
  const state = await chargeState(sql, { storeId, intentId });
  if (state === "unknown") throw new Error(`capture of an unknown intent ${intentId}`);
  return state;
}

export async function refundCharge(sql: Sql, refund: Refund): Promise<RefundResult> {
  const { storeId, intentId, refundId, amountMinor } = refund;
  const [row] = await sql<{ status: RefundResult }[]>`
    SELECT payments.refund_test_charge(${storeId}, ${intentId}, ${refundId}, ${amountMinor}) AS status`;
  return row!.status;
}

/** An intent never heard of is remembered as voided, so that a late authorisation of it comes to nothing. */
export async function voidCharge(sql: Sql, { storeId, intentId }: Known): Promise<PaymentState> {
  const [row] = await sql<{ status: PaymentState }[]>`
    INSERT INTO payments.test_charge AS c (store_id, intent_id, amount_minor, currency, status)
    VALUES (${storeId}, ${intentId}, 0, '', 'voided')
    ON CONFLICT (store_id, intent_id) DO UPDATE
    SET status = CASE WHEN c.status = 'authorised' THEN 'voided' ELSE c.status END
    RETURNING status`;
  return row!.status;
}
