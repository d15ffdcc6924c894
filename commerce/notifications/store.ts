/** All SQL of the module. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { MailRequest } from "./model.ts";

/** Longer than SMTP may take (mailer.ts). */
const CLAIM_MS = 20_000;

export type Claim = { claimed: true; token: number } | { claimed: false; status: string; freeInMs: number };

type Key = MailRequest & { recipient: string; messageId: string };

/**
 * Claims a mail for this run: a new one, or one whose claim ran out. `token` is the number of the claim; only its holder
 * can settle it.
 */
export async function claim(sql: Sql, mail: Key): Promise<Claim> {
  const [mine] = await sql<{ token: number }[]>`
    INSERT INTO notifications.mail AS m (store_id, event_id, template, recipient, message_id, lease_until)
    VALUES (${mail.storeId}, ${mail.eventId}, ${mail.template}, ${mail.recipient}, ${mail.messageId},
            now() + ${CLAIM_MS} * interval '1 millisecond')
    ON CONFLICT (store_id, event_id, template, recipient) DO UPDATE
    SET lease_until = excluded.lease_until, claims = m.claims + 1, claimed_at = now()
    WHERE m.status = 'sending' AND m.lease_until <= now()
    RETURNING claims AS token`;
  if (mine) return { claimed: true, token: mine.token };
  const [other] = await sql<{ status: string; freeInMs: number }[]>`
    SELECT status, greatest(ceil(extract(epoch FROM lease_until - now()) * 1000), 1)::int AS "freeInMs"
    FROM notifications.mail
    WHERE store_id = ${mail.storeId} AND event_id = ${mail.eventId} AND template = ${mail.template}
      AND recipient = ${mail.recipient}`;
  return { claimed: false, status: other!.status, freeInMs: other!.freeInMs };
}

export async function settle(sql: Sql, mail: Key, token: number, status: "sent" | "refused"): Promise<void> {
  await sql`
    UPDATE notifications.mail SET status = ${status}, settled_at = now()
    WHERE store_id = ${mail.storeId} AND event_id = ${mail.eventId} AND template = ${mail.template}
      AND recipient = ${mail.recipient} AND status = 'sending' AND claims = ${token}`;
}

/** Gives the claim up after a failure that left nothing sent, so that the next try need not wait for its end. */
export async function letGo(sql: Sql, mail: Key, token: number): Promise<void> {
  await sql`
    UPDATE notifications.mail SET lease_until = now()
    WHERE store_id = ${mail.storeId} AND event_id = ${mail.eventId} AND template = ${mail.template}
      AND recipient = ${mail.recipient} AND status = 'sending' AND claims = ${token}`;
}

/** Where a store's own mails go; null: nowhere. */
export async function selectMerchant(sql: Sql, storeId: string): Promise<string | null> {
  const [row] = await sql<{ email: string }[]>`
    SELECT email FROM notifications.merchant WHERE store_id = ${storeId}`;
  return row?.email ?? null;
}

export async function setMerchant(tx: Tx, storeId: string, email: string | null): Promise<void> {
  if (email === null) await tx`DELETE FROM notifications.merchant WHERE store_id = ${storeId}`;
  else {
    await tx`
      INSERT INTO notifications.merchant (store_id, email) VALUES (${storeId}, ${email})
      ON CONFLICT (store_id) DO UPDATE SET email = excluded.email, updated_at = now()`;
  }
}
