/**
 * Caught mails on disk, in one file that only grows: for each mail a line of JSON (id, envelope, time, length), the mail as
 * it came, a line feed. A mail's id is its place in the file. In memory there is only where each mail lies.
 *
 * Crash story: a mail is acknowledged when the write that holds it has returned, so what was acknowledged outlives the death
 * of any process; one that was cut off in the middle was not acknowledged, and the next start cuts it off the file. Mails that
 * come at the same moment are one write. It is not synced to the disk: these mails were going nowhere, and a sync a mail would
 * hold every order's confirmation to about a hundred a second; a loss of power may take the last seconds of the mailbox.
 */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { grouped } from "../../platform/grouped.ts";
import { type Entry, header, readEntries } from "./file.ts";

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
  /** Resolves with the mail's id when it is written. */
  add(raw: Buffer, envelope: { from: string; to: string[] }): Promise<string>;
  /** Newest first; `cursor` is the id of the last one seen. */
  list(page: { limit: number; cursor: string | null }): Promise<MailPage>;
  get(id: string): Promise<Mail | null>;
  close(): Promise<void>;
};

const MAX_GROUP = 256;
/** Summaries that lists have shown are kept: mailboxes are polled. */
const MAX_KNOWN = 2_000;

export async function openMailStore(dir: string): Promise<MailStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = await open(join(dir, "mails"), "a+", 0o600);
  const { entries, end } = await readEntries(file);
  await file.truncate(end);
  const append = appender(file, entries, end);
  const known = new Map<string, MailSummary>();

  async function read(entry: Entry): Promise<Mail> {
    const raw = Buffer.alloc(entry.length);
    await file.read(raw, 0, entry.length, entry.at);
    const parsed = await PostalMime.parse(raw);
    const headers = parsed.headers.map(({ originalKey, value }) => ({ name: originalKey, value }));
    const { id, from, to, receivedAt } = entry.mail;
    const summary = {
      id,
      from,
      to,
      subject: parsed.subject ?? "",
      messageId: parsed.messageId ?? "",
      receivedAt,
    };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(id, summary);
    return { ...summary, text: parsed.text ?? "", html: parsed.html ?? "", headers };
  }

  async function summary(entry: Entry): Promise<MailSummary> {
    const seen = known.get(entry.mail.id);
    if (seen) return seen;
    const { text: _t, html: _h, headers: _s, ...rest } = await read(entry);
    return rest;
  }

  return {
    add: (raw, envelope) => append({ raw, envelope }),
    async list({ limit, cursor }) {
      const before = cursor === null ? entries.length : Math.min(placeOf(cursor) ?? 0, entries.length);
      const from = Math.max(0, before - limit);
      const items = await Promise.all(entries.slice(from, before).reverse().map(summary));
      return { items, nextCursor: from > 0 ? (items.at(-1)?.id ?? null) : null };
    },
    async get(id) {
      const entry = entries[placeOf(id) ?? -1];
      return entry ? read(entry) : null;
    },
    close: () => file.close(),
  };
}

type Arrived = { raw: Buffer; envelope: { from: string; to: string[] } };

/** One lane: what is written next begins where the last write ended. */
function appender(file: FileHandle, entries: Entry[], from: number): (mail: Arrived) => Promise<string> {
  let end = from;
  return grouped({
    max: MAX_GROUP,
    lanes: 1,
    isDefinite: () => false,
    async run(mails: readonly Arrived[]) {
      const added: Entry[] = [];
      const parts: Buffer[] = [];
      let at = end;
      for (const [i, { raw, envelope }] of mails.entries()) {
        const mail = { id: idOf(entries.length + i), ...envelope, receivedAt: new Date().toISOString() };
        const head = header(mail, raw.length);
        added.push({ mail, at: at + head.length, length: raw.length });
        parts.push(head, raw, LINE_FEED);
        at += head.length + raw.length + 1;
      }
      await writeAll(file, Buffer.concat(parts)).catch(async error => {
        // Half a mail in the middle would hide what follows.
        await file.truncate(end);
        throw error;
      });
      end = at;
      entries.push(...added);
      return added.map(entry => entry.mail.id);
    },
  });
}

const LINE_FEED = Buffer.from("\n");

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

const DIGITS = 12;

function idOf(place: number): string {
  return `mail_${String(place + 1).padStart(DIGITS, "0")}`;
}

function placeOf(id: string): number | null {
  const number = /^mail_(\d{12})$/.exec(id)?.[1];
  return number === undefined ? null : Number(number) - 1;
}
