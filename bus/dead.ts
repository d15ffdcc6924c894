/** Looking after dead letters: list, group, replay, discard. A dead letter is open until it is replayed or discarded. */

import { invalid } from "../platform/errors.ts";
import { type Db, type Sql, transaction } from "../platform/postgres/index.ts";
import { contractOf } from "./contracts/index.ts";
import { payloadFault } from "./envelope.ts";
import { enqueue } from "./outbox.ts";
import { upcast } from "./upcast.ts";

export type Dead = {
  id: string;
  jobId: string | null;
  kind: string;
  version: number;
  storeId: string;
  key: string;
  payload: unknown;
  reason: string;
  error: string;
  stack: string | null;
  fingerprint: string;
  attempts: number;
  traceparent: string;
  diedAt: Date;
  status: "open" | "replayed" | "discarded";
  settledAt: Date | null;
  settledNote: string | null;
  replayedAs: string | null;
  /** Body of a message that could not be read, base64. */
  raw: string | null;
};

export type DeadFilter = {
  kind?: string | undefined;
  fingerprint?: string | undefined;
  limit: number;
  cursor?: string | undefined;
};
export type DeadGroup = {
  fingerprint: string;
  kind: string;
  count: number;
  error: string;
  firstDiedAt: Date;
  lastDiedAt: Date;
};

const columns = (sql: Sql) => sql`
  id, job_id AS "jobId", kind, version, store_id AS "storeId", key, payload, reason, error, stack, fingerprint, attempts,
  traceparent, died_at AS "diedAt", status, settled_at AS "settledAt", settled_note AS "settledNote",
  replayed_as AS "replayedAs", raw`;

/** Open dead letters, latest first; `nextCursor` goes into `cursor`. */
export async function listDead(
  sql: Sql,
  filter: DeadFilter,
): Promise<{ items: Dead[]; nextCursor: string | null }> {
  const after = cursorOf(filter.cursor);
  const items = await sql<Dead[]>`
    SELECT ${columns(sql)} FROM bus.dead
    WHERE status = 'open'
      ${filter.kind ? sql`AND kind = ${filter.kind}` : sql``}
      ${filter.fingerprint ? sql`AND fingerprint = ${filter.fingerprint}` : sql``}
      ${after ? sql`AND (died_at, id) < (${after.diedAt}::timestamptz, ${after.id})` : sql``}
    ORDER BY died_at DESC, id DESC LIMIT ${filter.limit + 1}`;
  const page = items.slice(0, filter.limit);
  const last = page.at(-1);
  const more = items.length > filter.limit && last;
  return { items: page, nextCursor: more ? `${last.diedAt.toISOString()}~${last.id}` : null };
}

function cursorOf(cursor: string | undefined): { diedAt: string; id: string } | null {
  if (cursor === undefined) return null;
  const [diedAt = "", id = ""] = cursor.split("~");
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(diedAt) || Number.isNaN(Date.parse(diedAt)) || id === "")
    throw invalid([{ path: "cursor", message: "is not a cursor of this list" }]);
  return { diedAt, id };
}

/** Open dead letters by error fingerprint, most first; at most 100 groups. */
export async function groupDead(sql: Sql): Promise<DeadGroup[]> {
  return sql<DeadGroup[]>`
    SELECT fingerprint, min(kind) AS kind, count(*) AS count, (array_agg(error ORDER BY died_at DESC))[1] AS error,
           min(died_at) AS "firstDiedAt", max(died_at) AS "lastDiedAt"
    FROM bus.dead WHERE status = 'open' GROUP BY fingerprint ORDER BY count(*) DESC, fingerprint LIMIT 100`;
}

export async function countDead(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) AS count FROM bus.dead WHERE status = 'open'`;
  return row!.count;
}

export async function getDead(sql: Sql, id: string): Promise<Dead | null> {
  const [row] = await sql<Dead[]>`SELECT ${columns(sql)} FROM bus.dead WHERE id = ${id}`;
  return row ?? null;
}

export type Replay = {
  ids?: readonly string[] | undefined;
  fingerprint?: string | undefined;
  /** Most letters to replay; oldest first. Default 100. */
  limit?: number | undefined;
  /** Replaces the payload; checked against the kind's schema. */
  payload?: unknown;
};
export type Replayed = { id: string; jobId: string };

/**
 * Enqueues open dead letters as new jobs, each once: letter and job change in one transaction. Letters that can't be
 * read (no payload) are left unless a payload is given.
 * @throws Problem 422 when the payload breaks the schema of a letter's kind; then nothing is replayed.
 */
export async function replayDead(db: Db, replay: Replay): Promise<Replayed[]> {
  return transaction(db, async tx => {
    const letters = await tx<Dead[]>`
      SELECT ${columns(tx)} FROM bus.dead
      WHERE status = 'open'
        ${replay.ids ? tx`AND id = ANY(${replay.ids as string[]})` : tx``}
        ${replay.fingerprint ? tx`AND fingerprint = ${replay.fingerprint}` : tx``}
        ${replay.payload === undefined ? tx`AND payload IS NOT NULL AND payload <> 'null'::jsonb` : tx``}
      ORDER BY id LIMIT ${replay.limit ?? 100} FOR UPDATE`;
    const replayed: Replayed[] = [];
    for (const letter of letters)
      replayed.push(await replayOne(tx, letter, replay.payload ?? lifted(letter)));
    return replayed;
  });
}

/** The payload that a letter holds, as this version has it. */
function lifted({ kind, version, payload }: Dead): unknown {
  const contract = contractOf(kind);
  if (!contract || version === contract.version) return payload;
  try {
    return upcast(contract, version, payload);
  } catch (error) {
    throw invalid([{ path: "payload", message: `${(error as Error).message}; give one` }]);
  }
}

async function replayOne(tx: Sql, letter: Dead, payload: unknown): Promise<Replayed> {
  const contract = contractOf(letter.kind);
  if (!contract) throw invalid([{ path: "kind", message: `${letter.kind} is not a kind of this version` }]);
  const fault = payloadFault(contract, payload);
  if (fault) throw invalid([{ path: `payload.${fault.path}`, message: fault.message }]);
  const { storeId, traceparent, key } = letter;
  const jobId = await enqueue(tx, { contract, payload, storeId, traceparent, key: key || undefined });
  await tx`UPDATE bus.dead SET status = 'replayed', settled_at = now(), replayed_as = ${jobId} WHERE id = ${letter.id}`;
  return { id: letter.id, jobId };
}

/** Ends a dead letter without a replay. False: it was not open. */
export async function discardDead(sql: Sql, id: string, note: string): Promise<boolean> {
  const rows = await sql`
    UPDATE bus.dead SET status = 'discarded', settled_at = now(), settled_note = ${note}
    WHERE id = ${id} AND status = 'open' RETURNING id`;
  return rows.length === 1;
}
