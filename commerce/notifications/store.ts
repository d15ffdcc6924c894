/** All SQL of the module. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { MailRequest } from "./model.ts";

/** Longer than SMTP may take (mailer.ts). */
const CLAIM_MS = 20_000;

export type Claim = { claimed: true; token: number } | { claimed: false; status: string; freeInMs: number };

export type MailKey = MailRequest & { recipient: string; messageId: string };

/**
 * Claims mails for this run: new ones, and those whose claim ran out; answers in the order of the mails. `token` is the number
 * of the claim; only its holder can settle it. Of two equal mails of one call the second finds the first's claim.
 */
export async function claim(sql: Sql, mails: readonly MailKey[]): Promise<Claim[]> {
  const mine = await sql<{ n: number; token: number }[]>`
    WITH asked AS MATERIALIZED (
      SELECT DISTINCT ON (w.store_id, w.event_id, w.template, w.recipient) w.*
      FROM ${named(sql, mails)} ORDER BY w.store_id, w.event_id, w.template, w.recipient, w.n
    ), claimed AS (
      INSERT INTO notifications.mail AS m (store_id, event_id, template, recipient, message_id, lease_until)
      SELECT a.store_id, a.event_id, a.template, a.recipient, a.message_id, now() + ${CLAIM_MS} * interval '1 millisecond'
      FROM asked a ORDER BY a.store_id, a.event_id, a.template, a.recipient
      ON CONFLICT (store_id, event_id, template, recipient) DO UPDATE
      SET lease_until = excluded.lease_until, claims = m.claims + 1, claimed_at = now()
      WHERE m.status = 'sending' AND m.lease_until <= now()
      RETURNING m.store_id, m.event_id, m.template, m.recipient, m.claims
    )
    SELECT a.n::int AS n, c.claims AS token
    FROM asked a JOIN claimed c USING (store_id, event_id, template, recipient)`;
  const claims = new Map<number, Claim>(mine.map(row => [row.n - 1, { claimed: true, token: row.token }]));
  const others = mails.flatMap((mail, n) => (claims.has(n) ? [] : [{ mail, n }]));
  const standing = await selectClaims(
    sql,
    others.map(one => one.mail),
  );
  others.forEach(({ n }, i) => {
    claims.set(n, { claimed: false, ...standing[i]! });
  });
  return mails.map((_, n) => claims.get(n)!);
}

/** How mails stand that others have claimed, in the order of the mails. */
async function selectClaims(
  sql: Sql,
  mails: readonly MailKey[],
): Promise<{ status: string; freeInMs: number }[]> {
  if (mails.length === 0) return [];
  return sql<{ status: string; freeInMs: number }[]>`
    SELECT coalesce(m.status, 'sending') AS status,
           greatest(ceil(extract(epoch FROM m.lease_until - now()) * 1000), 1)::int AS "freeInMs"
    FROM ${named(sql, mails)} LEFT JOIN notifications.mail m USING (store_id, event_id, template, recipient) ORDER BY w.n`;
}

export type Held = { mail: MailKey; token: number };

/** Notes what became of claimed mails, in one statement. */
export async function settle(
  sql: Sql,
  ended: readonly (Held & { status: "sent" | "refused" })[],
): Promise<void> {
  await sql`
    UPDATE notifications.mail m SET status = x.status, settled_at = now()
    FROM (SELECT w.*, x.token, x.status
          FROM ${named(
            sql,
            ended.map(one => one.mail),
          )}
          JOIN unnest(${ended.map(one => one.token)}::int[], ${ended.map(one => one.status)}::text[])
               WITH ORDINALITY AS x(token, status, n) USING (n)
          ORDER BY w.store_id, w.event_id, w.template, w.recipient) x
    WHERE m.store_id = x.store_id AND m.event_id = x.event_id AND m.template = x.template
      AND m.recipient = x.recipient AND m.status = 'sending' AND m.claims = x.token`;
}

/** Gives the claim up after a failure that left nothing sent, so that the next try need not wait for its end. */
export async function letGo(sql: Sql, { mail, token }: Held): Promise<void> {
  await sql`
    UPDATE notifications.mail SET lease_until = now()
    WHERE store_id = ${mail.storeId} AND event_id = ${mail.eventId} AND template = ${mail.template}
      AND recipient = ${mail.recipient} AND status = 'sending' AND claims = ${token}`;
}

function named(sql: Sql, mails: readonly MailKey[]) {
  const column = (pick: (mail: MailKey) => string) => sql`${mails.map(pick)}::text[]`;
  return sql`unnest(${column(mail => mail.storeId)}, ${column(mail => mail.eventId)}, ${column(mail => mail.template)},
      ${column(mail => mail.recipient)}, ${column(mail => mail.messageId)})
    WITH ORDINALITY AS w(store_id, event_id, template, recipient, message_id, n)`;
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
