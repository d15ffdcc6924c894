/**
 * Every mail that was due is in the mailbox, once. A worker that dies between the server's answer and its own note sends
 * again: that window is documented (commerce/notifications), both copies carry one Message-ID, and they are counted.
 */
import type { Item } from "../journal.ts";
import { MAIL_DOMAIN } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Mail = { to: string[]; subject: string; messageId: string };

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

/** `due`: how many different mails each address must have got. */
export function judgeMails(
  mails: ReadonlyMap<string, Mail[]>,
  due: ReadonlyMap<string, number>,
  items: readonly Item[],
): { findings: Finding[]; duplicates: number } {
  const byName = new Map(items.map(item => [item.name, item]));
  const findings: Finding[] = [];
  let duplicates = 0;
  for (const address of new Set([...mails.keys(), ...due.keys()])) {
    const got = mails.get(address) ?? [];
    const different = new Set(got.map(({ messageId }) => messageId)).size;
    const wanted = due.get(address) ?? 0;
    duplicates += got.length - different;
    if (different === wanted) continue;
    const what = `${address}: ${wanted} mails were due, ${different} came (${got.map(({ subject }) => subject).join("; ")})`;
    findings.push({ kind: different < wanted ? "lost" : "twice", what, item: byName.get(address) });
  }
  return { findings, duplicates };
}
