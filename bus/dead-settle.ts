/**
 * The end of a dead letter: replayed as a new job, or discarded with a reason. Each in one transaction with what follows
 * from it, under the letter's row lock, so that of two who ask one gets it. A crash leaves the letter open, or settled
 * with its job in the outbox.
 */
import { type FieldError, invalid } from "../platform/errors.ts";
import { type Db, type Sql, transaction } from "../platform/postgres/index.ts";
import { redact } from "../platform/redact.ts";
import type { Contract } from "./contracts/contract.ts";
import { contractOf } from "./contracts/index.ts";
import { type Dead, type DeadSelection, deadColumns } from "./dead.ts";
import { payloadFaults } from "./envelope.ts";
import { enqueueRows, outboxRow } from "./outbox.ts";
import { upcast } from "./upcast.ts";

export type Replay = DeadSelection & {
  ids?: readonly string[] | undefined;
  /** Most letters to replay; oldest first. Default 100. */
  limit?: number | undefined;
  /** Replaces the payload; checked against the schema of each letter's kind. */
  payload?: unknown;
};
export type Replayed = { id: string; jobId: string };

/**
 * Enqueues open dead letters as new jobs, each once. Letters that can't be read (no payload) are left unless a payload is
 * given.
 * @throws Problem 422 when a payload breaks the schema of its kind, naming letter and field; then nothing is replayed.
 */
export function replayDead(db: Db, replay: Replay): Promise<Replayed[]> {
  return transaction(db, async tx => {
    const letters = await takeOpen(tx, replay);
    return replayLetters(tx, letters, { payload: replay.payload });
  });
}

export type Selection = Omit<Replay, "payload"> & {
  /** Only those that had come to light when this canary began. */
  beforeCanary?: string | undefined;
  withoutPayload: boolean;
};

/** Locks the oldest open letters of a selection. Two that ask for the same letters share them out. */
async function takeOpen(tx: Sql, { payload, ...replay }: Replay): Promise<Dead[]> {
  return lockOpen(tx, { ...replay, withoutPayload: payload !== undefined });
}

export async function lockOpen(tx: Sql, selection: Selection): Promise<Dead[]> {
  const { ids, kind, fingerprint, key, storeId, beforeCanary } = selection;
  return tx<Dead[]>`
    SELECT ${deadColumns(tx)} FROM bus.dead
    WHERE status = 'open' AND id IN (
      SELECT o.id FROM bus.dead o WHERE o.status = 'open'
        ${ids === undefined ? tx`` : tx`AND o.id = ANY(${ids as string[]})`}
        ${kind === undefined ? tx`` : tx`AND o.kind = ${kind}`}
        ${fingerprint === undefined ? tx`` : tx`AND o.fingerprint = ${fingerprint}`}
        ${key === undefined ? tx`` : tx`AND o.key = ${key}`}
        ${storeId === undefined ? tx`` : tx`AND o.store_id = ${storeId}`}
        ${beforeCanary === undefined ? tx`` : tx`AND o.appeared_at <= (SELECT created_at FROM bus.canary WHERE id = ${beforeCanary})`}
        ${selection.withoutPayload ? tx`` : tx`AND o.payload IS NOT NULL AND o.payload <> 'null'::jsonb`}
      ORDER BY o.died_at, o.id LIMIT ${selection.limit ?? 100})
    ORDER BY id FOR UPDATE`;
}

/**
 * Replays letters that the caller has locked: one statement for their jobs and one for themselves.
 * @throws Problem 422, see {@link replayDead}.
 */
export async function replayLetters(
  tx: Sql,
  letters: readonly Dead[],
  options: { payload?: unknown; canary?: { id: string; portion: number } },
): Promise<Replayed[]> {
  if (letters.length === 0) return [];
  const { payload, canary } = options;
  const rows = letters.map(letter => rowOf(letter, payload));
  await enqueueRows(tx, rows);
  await tx`
    UPDATE bus.dead d SET status = 'replayed', settled_at = now(), replayed_as = r.job, edited = ${payload !== undefined},
      canary_id = ${canary?.id ?? null}, canary_portion = ${canary?.portion ?? null}
    FROM unnest(${letters.map(letter => letter.id)}::text[], ${rows.map(row => row.id)}::uuid[]) AS r(id, job)
    WHERE d.id = r.id`;
  return letters.map((letter, i) => ({ id: letter.id, jobId: rows[i]!.id }));
}

function rowOf(letter: Dead, given: unknown) {
  const contract = contractOf(letter.kind);
  if (!contract) {
    throw invalid(
      [{ path: "kind", message: `${letter.kind} is not a kind of this version` }],
      aboutLetter(letter),
    );
  }
  const payload = given ?? lifted(contract, letter);
  const errors = faultsOf(contract, payload);
  if (errors.length > 0) throw invalid(errors, aboutLetter(letter));
  const { storeId, traceparent, key } = letter;
  return outboxRow({
    // A replay is a job of its own: another that holds the key would leave the letter without its outcome.
    unique: false,
    contract,
    payload,
    storeId,
    traceparent: traceparent || undefined,
    key: key || undefined,
  });
}

/** The payload that a letter holds, as this version has it. */
function lifted(contract: Contract, letter: Dead): unknown {
  if (letter.version === contract.version) return letter.payload;
  try {
    return upcast(contract, letter.version, letter.payload);
  } catch (error) {
    throw invalid(
      [{ path: "payload", message: `${(error as Error).message}; give one` }],
      aboutLetter(letter),
    );
  }
}

function aboutLetter({ id, kind }: Dead): string {
  return `Dead letter ${id} of ${kind} can't be replayed.`;
}

function faultsOf(contract: Contract, payload: unknown): FieldError[] {
  return payloadFaults(contract, payload).map(({ path, message }) => ({
    path: path === "" ? "payload" : `payload.${path}`,
    message,
  }));
}

/** Ends a dead letter without a replay; personal data in the reason is taken out. False: it was not open. */
export async function discardDead(sql: Sql, id: string, reason: string): Promise<boolean> {
  return (await discardAll(sql, { ids: [id] }, reason)).length === 1;
}

export type Discard = DeadSelection & {
  ids?: readonly string[] | undefined;
  /** Most letters to discard; oldest first. Default 1,000. */
  limit?: number | undefined;
};

/** Ends open dead letters without a replay, and gives their ids. */
export function discardMany(db: Db, discard: Discard, reason: string): Promise<string[]> {
  return transaction(db, tx => discardAll(tx, discard, reason));
}

async function discardAll(tx: Sql, { limit = 1_000, ...which }: Discard, reason: string): Promise<string[]> {
  const letters = await lockOpen(tx, { ...which, limit, withoutPayload: true });
  const ids = letters.map(letter => letter.id);
  if (ids.length === 0) return ids;
  const rows = await tx<{ id: string }[]>`
    UPDATE bus.dead SET status = 'discarded', settled_at = now(), settled_note = ${redact(reason)}
    WHERE id = ANY(${ids}) AND status = 'open' RETURNING id`;
  return rows.map(row => row.id);
}
