/**
 * Every mail that was due is in the mailbox, once. A worker that dies between the server's answer and its own note sends
 * again when its claim has run out: that window is documented (commerce/notifications), both copies carry one Message-ID, and
 * they are counted. A second copy that was sent otherwise, by whoever did not hold the claim or while another held it, is a mail
 * twice: what was claimed, and when, is in the table.
 */
import type { Item } from "../journal.ts";
import { MAIL_DOMAIN } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Mail = { to: string[]; subject: string; messageId: string; receivedAt: string };
/** How often a mail was claimed, and when last. */
type Claims = { messageId: string; claims: number; claimedAt: Date };

export async function readMails(stack: Stack): Promise<Map<string, Mail[]>> {
  const { mailboxUrl, stackToken } = stack.now();
  const headers = { authorization: `Bearer ${stackToken}` };
  const mails: Mail[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: string = cursor && `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${mailboxUrl}/mails?limit=100${query}`, { headers });
    const page = (await response.json()) as { items: Mail[]; nextCursor: string | null };
    mails.push(...page.items.filter(({ to }) => to[0]?.endsWith(`@${MAIL_DOMAIN}`)));
    cursor = page.nextCursor;
  }
  return Map.groupBy(mails, mail => mail.to[0]!);
}

/** Of the mails that came more than once, by their Message-ID. */
export async function readClaims(stack: Stack, mails: ReadonlyMap<string, Mail[]>): Promise<Claims[]> {
  const ids = copies([...mails.values()].flat()).map(([id]) => id);
  return stack.sql<Claims[]>`
    SELECT message_id AS "messageId", claims, claimed_at AS "claimedAt" FROM notifications.mail
    WHERE message_id = ANY(${ids}::text[])`;
}

/** What came more than once, each with its copies, the first first. */
function copies(mails: readonly Mail[]): [string, Mail[]][] {
  const byId = [...Map.groupBy(mails, ({ messageId }) => messageId)];
  return byId
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => [id, all.toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1))]);
}

/** `due`: how many different mails each address must have got. `repeatedAt`: when those went out that were sent again. */
export function judgeMails(
  mails: ReadonlyMap<string, Mail[]>,
  options: { due: ReadonlyMap<string, number>; claims: readonly Claims[]; items: readonly Item[] },
): { findings: Finding[]; duplicates: number; repeatedAt: number[] } {
  const { due, items } = options;
  const byName = new Map(items.map(item => [item.name, item]));
  const claims = new Map(options.claims.map(one => [one.messageId, one]));
  const findings: Finding[] = [];
  let duplicates = 0;
  const repeatedAt: number[] = [];
  for (const address of new Set([...mails.keys(), ...due.keys()])) {
    const got = mails.get(address) ?? [];
    const item = byName.get(address);
    const different = new Set(got.map(({ messageId }) => messageId)).size;
    const wanted = due.get(address) ?? 0;
    duplicates += got.length - different;
    for (const [id, all] of copies(got)) {
      repeatedAt.push(...all.slice(0, -1).map(({ receivedAt }) => Date.parse(receivedAt)));
      const why = outsideTheWindow(all, claims.get(id));
      if (why) findings.push({ kind: "twice", what: `${address}: ${all[0]!.subject}: ${why}`, item });
    }
    if (different === wanted) continue;
    const what = `${address}: ${wanted} mails were due, ${different} came (${got.map(({ subject }) => subject).join("; ")})`;
    findings.push({ kind: different < wanted ? "lost" : "twice", what, item });
  }
  return { findings, duplicates, repeatedAt };
}

/** Null: each copy was sent under a claim of its own, the last one after those before had run out. */
function outsideTheWindow(all: readonly Mail[], claimed: Claims | undefined): string | null {
  if (!claimed || claimed.claims < all.length) return `${all.length} copies, ${claimed?.claims ?? 0} claims`;
  const [before, last] = all.slice(-2).map(({ receivedAt }) => new Date(receivedAt).getTime()) as [
    number,
    number,
  ];
  const at = claimed.claimedAt.getTime();
  if (before <= at && at <= last) return null;
  return `the last of ${all.length} copies ${last - before} ms after the one before, claimed ${at - before} ms after it`;
}
