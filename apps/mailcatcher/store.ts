/**
 * Caught mails on disk: `<id>.eml` as it came and `<id>.json` with what lists show. Ids sort by time of arrival.
 *
 * Crash story: the mail is written, then its index under a temporary name, which is renamed; only then is the mail
 * acknowledged. A mail without an index was never acknowledged and is sent again. What was acknowledged outlives the death
 * of any process. It is not synced to the disk: these mails were going nowhere, and three syncs a mail would hold every
 * order's confirmation to about a hundred a second; a loss of power may take the last seconds of the mailbox.
 */
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { newId } from "../../platform/ids.ts";

export type MailSummary = {
  id: string;
  from: string;
  /** Recipients of the envelope: who really got it. */
  to: string[];
  subject: string;
  messageId: string;
  receivedAt: string;
};
export type Mail = MailSummary & { text: string; html: string; headers: { name: string; value: string }[] };
export type MailPage = { items: MailSummary[]; nextCursor: string | null };

export type MailStore = {
  add(raw: Buffer, envelope: { from: string; to: string[] }): Promise<MailSummary>;
  /** Newest first; `cursor` is the id of the last one seen. */
  list(page: { limit: number; cursor: string | null }): Promise<MailPage>;
  get(id: string): Promise<Mail | null>;
};

export async function openMailStore(dir: string): Promise<MailStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const names = await readdir(dir);
  await Promise.all(
    names.filter(name => name.endsWith(".tmp")).map(name => rm(join(dir, name), { force: true })),
  );
  const ids = names.filter(name => name.endsWith(".json")).map(name => name.slice(0, -".json".length));
  ids.sort();

  const summary = (id: string) => Bun.file(join(dir, `${id}.json`)).json() as Promise<MailSummary>;
  return {
    async add(raw, envelope) {
      const parsed = await PostalMime.parse(raw);
      const mail = {
        id: newId("mail"),
        ...envelope,
        subject: parsed.subject ?? "",
        messageId: parsed.messageId ?? "",
        receivedAt: new Date().toISOString(),
      };
      await writeFile(join(dir, `${mail.id}.eml`), raw, { flag: "wx", mode: 0o600 });
      await writeFile(join(dir, `${mail.id}.tmp`), JSON.stringify(mail), { flag: "wx", mode: 0o600 });
      await rename(join(dir, `${mail.id}.tmp`), join(dir, `${mail.id}.json`));
      insertSorted(ids, mail.id);
      return mail;
    },
    async list({ limit, cursor }) {
      const before = cursor === null ? ids.length : lowerBound(ids, cursor);
      const from = Math.max(0, before - limit);
      const items = await Promise.all(ids.slice(from, before).reverse().map(summary));
      return { items, nextCursor: from > 0 ? (items.at(-1)?.id ?? null) : null };
    },
    async get(id) {
      if (ids[lowerBound(ids, id)] !== id) return null;
      const parsed = await PostalMime.parse(await Bun.file(join(dir, `${id}.eml`)).arrayBuffer());
      const headers = parsed.headers.map(({ originalKey, value }) => ({ name: originalKey, value }));
      return { ...(await summary(id)), text: parsed.text ?? "", html: parsed.html ?? "", headers };
    },
  };
}

/** Index of the first id that is not below `id`. */
function lowerBound(ids: string[], id: string): number {
  let low = 0;
  for (let high = ids.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Ids of one millisecond sort by their random part, so a new id may belong before the last. */
function insertSorted(ids: string[], id: string): void {
  ids.splice(lowerBound(ids, id), 0, id);
}
