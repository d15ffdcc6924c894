/**
 * Caught mails on disk, in one file that only grows: for each mail a line of JSON (id, envelope, time, length), the mail as
 * it came, a line feed. A mail's id is its place in the file. In memory there is only a number for
 * each: where it begins.
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
import { header, readMail, readStarts } from "./file.ts";

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
  const mails = await readStarts(file);
  await file.truncate(mails.end);
  const append = appender(file, mails);
  const known = new Map<string, MailSummary>();

  async function read(place: number): Promise<Mail> {
    const { head, raw } = await readMail(file, mails.starts[place]!, mails.starts[place + 1] ?? mails.end);
    const parsed = await PostalMime.parse(raw);
    const headers = parsed.headers.map(({ originalKey, value }) => ({ name: originalKey, value }));
    const { id, from, to, receivedAt } = head;
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

  async function summary(place: number): Promise<MailSummary> {
    const seen = known.get(idOf(place));
    if (seen) return seen;
    const { text: _t, html: _h, headers: _s, ...rest } = await read(place);
    return rest;
  }

  return {
    add: (raw, envelope) => append({ raw, envelope }),
    async list({ limit, cursor }) {
      const count = mails.starts.length;
      const before = cursor === null ? count : Math.min(placeOf(cursor) ?? 0, count);
      const from = Math.max(0, before - limit);
      const places = Array.from({ length: before - from }, (_, i) => before - 1 - i);
      const items = await Promise.all(places.map(summary));
      return { items, nextCursor: from > 0 ? (items.at(-1)?.id ?? null) : null };
    },
    async get(id) {
      const place = placeOf(id) ?? -1;
      return place >= 0 && place < mails.starts.length ? read(place) : null;
    },
    close: () => file.close(),
  };
}

type Arrived = { raw: Buffer; envelope: { from: string; to: string[] } };

/** One lane: what is written next begins where the last write ended. Adds to `mails` what is written. */
function appender(
  file: FileHandle,
  mails: { readonly starts: number[]; end: number },
): (mail: Arrived) => Promise<string> {
  return grouped({
    max: MAX_GROUP,
    lanes: 1,
    isDefinite: () => false,
    async run(arrived: readonly Arrived[]) {
      const added: number[] = [];
      const ids: string[] = [];
      const parts: Buffer[] = [];
      let at = mails.end;
      for (const [i, { raw, envelope }] of arrived.entries()) {
        const id = idOf(mails.starts.length + i);
        const head = header({ id, ...envelope, receivedAt: new Date().toISOString() }, raw.length);
        added.push(at);
        ids.push(id);
        parts.push(head, raw, LINE_FEED);
        at += head.length + raw.length + 1;
      }
      await writeAll(file, Buffer.concat(parts)).catch(async error => {
        // Half a mail in the middle would hide what follows.
        await file.truncate(mails.end);
        throw error;
      });
      mails.end = at;
      mails.starts.push(...added);
      return ids;
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
