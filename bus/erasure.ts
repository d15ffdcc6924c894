/**
 * What jobs have kept of a person, erased. Payloads hold ids only and errors come without mail addresses and numbers; what
 * may be left is a name or an address that an error quoted.
 *
 * The ledger's rows and the projection of dead letters are changed in the caller's transaction. A message on the stream
 * DEAD can't be changed: in the same transaction its sequence is noted in `bus.dead_erasure`, and keepers delete it from the
 * stream, overwriting it. Crash story: killed between the deletion there and the deletion of the note, the next turn finds
 * no such message and forgets the note.
 */
import { type Db, type Sql, transactionOnce } from "../platform/postgres/index.ts";
import { withoutWords } from "../platform/redact.ts";
import type { Connection } from "./connection.ts";
import { DEAD_STREAM } from "./topology.ts";

type Letter = { id: string; error: string; stack: string | null; note: string | null; raw: string | null };

const letterColumns = (sql: Sql) => sql`id, error, stack, settled_note AS note, raw`;

/**
 * Erases `words` from what the jobs of these keys left, whatever the words; their dead letters' messages go.
 * @returns how many texts were changed or deleted.
 */
export async function eraseFromJobs(
  tx: Sql,
  keys: readonly string[],
  words: readonly string[],
): Promise<number> {
  if (keys.length === 0) return 0;
  const wanted = keys as string[];
  const jobs = await tx<{ id: string; error: string | null }[]>`
    SELECT id, error FROM bus.job WHERE key = ANY(${wanted}) ORDER BY id FOR UPDATE`;
  const tries = await tx<Text[]>`
    SELECT job_id AS id, attempt, run, error FROM bus.job_try
    WHERE job_id = ANY(${jobs.map(job => job.id)}::uuid[]) AND error IS NOT NULL`;
  const letters = await tx<Letter[]>`
    SELECT ${letterColumns(tx)} FROM bus.dead WHERE key = ANY(${wanted}) ORDER BY id FOR UPDATE`;
  const changed = (await scrubJobs(tx, jobs, words)) + (await scrubTries(tx, tries, words));
  return changed + (await scrubLetters(tx, letters, words));
}

/** Shorter words stand in too many texts that are about somebody else. */
const SEARCHED_MIN = 6;
const STEP = 500;

/**
 * Erases `words` from all texts of jobs and dead letters, a bounded number at a time; short words are left out.
 * @returns how many it changed; call it again until that is 0.
 */
export async function eraseFromTexts(tx: Sql, words: readonly string[]): Promise<number> {
  const long = words.filter(word => word.length >= SEARCHED_MIN);
  if (long.length === 0) return 0;
  const like = long.map(word => `%${word.replaceAll(/[\\%_]/g, "\\$&")}%`);
  const jobs = await tx<{ id: string; error: string | null }[]>`
    SELECT id, error FROM bus.job WHERE status <> 'done' AND error ILIKE ANY(${like}) ORDER BY id LIMIT ${STEP} FOR UPDATE`;
  const tries = await tx<Text[]>`
    SELECT job_id AS id, attempt, run, error FROM bus.job_try WHERE error ILIKE ANY(${like}) LIMIT ${STEP}`;
  const letters = await tx<Letter[]>`
    SELECT ${letterColumns(tx)} FROM bus.dead
    WHERE concat_ws(' ', error, stack, settled_note, encode(decode(raw, 'base64'), 'escape')) ILIKE ANY(${like})
    ORDER BY id LIMIT ${STEP} FOR UPDATE`;
  const changed = (await scrubJobs(tx, jobs, long)) + (await scrubTries(tx, tries, long));
  return changed + (await scrubLetters(tx, letters, long));
}

type Text = { id: string; attempt: number; run: number; error: string | null };

function scrubbed<T extends { error: string | null }>(rows: readonly T[], words: readonly string[]) {
  return rows
    .map(row => ({ ...row, clean: row.error && withoutWords(row.error, words) }))
    .filter(row => row.clean !== row.error);
}

async function scrubJobs(
  tx: Sql,
  jobs: readonly { id: string; error: string | null }[],
  words: readonly string[],
): Promise<number> {
  const rows = scrubbed(jobs, words);
  if (rows.length === 0) return 0;
  await tx`
    UPDATE bus.job j SET error = r.error
    FROM unnest(${rows.map(row => row.id)}::uuid[], ${rows.map(row => row.clean)}::text[]) AS r(id, error)
    WHERE j.id = r.id`;
  return rows.length;
}

async function scrubTries(tx: Sql, tries: readonly Text[], words: readonly string[]): Promise<number> {
  const rows = scrubbed(tries, words);
  if (rows.length === 0) return 0;
  await tx`
    UPDATE bus.job_try y SET error = r.error
    FROM unnest(${rows.map(row => row.id)}::uuid[], ${rows.map(row => row.attempt)}::int[], ${rows.map(row => row.run)}::int[],
                ${rows.map(row => row.clean)}::text[]) AS r(id, attempt, run, error)
    WHERE y.job_id = r.id AND y.attempt = r.attempt AND y.run = r.run`;
  return rows.length;
}

/** Every letter that is handed in loses its message on the stream, too. */
async function scrubLetters(tx: Sql, letters: readonly Letter[], words: readonly string[]): Promise<number> {
  if (letters.length === 0) return 0;
  const clean = letters.map(letter => ({
    error: withoutWords(letter.error, words),
    stack: letter.stack && withoutWords(letter.stack, words),
    note: letter.note && withoutWords(letter.note, words),
    raw: letter.raw && names(letter.raw, words) ? null : letter.raw,
  }));
  const changed = clean.filter((one, i) => !Bun.deepEquals(one, textsOf(letters[i]!)));
  await tx`
    WITH changed AS (
      UPDATE bus.dead d SET error = r.error, stack = r.stack, settled_note = r.note, raw = r.raw
      FROM unnest(${letters.map(letter => letter.id)}::text[], ${clean.map(one => one.error)}::text[],
                  ${clean.map(one => one.stack)}::text[], ${clean.map(one => one.note)}::text[],
                  ${clean.map(one => one.raw)}::text[]) AS r(id, error, stack, note, raw)
      WHERE d.id = r.id RETURNING d.stream_seq
    )
    INSERT INTO bus.dead_erasure (stream_seq) SELECT stream_seq FROM changed WHERE stream_seq IS NOT NULL
    ON CONFLICT DO NOTHING`;
  return changed.length;
}

function textsOf({ error, stack, note, raw }: Letter) {
  return { error, stack, note, raw };
}

function names(raw: string, words: readonly string[]): boolean {
  const text = Buffer.from(raw, "base64").toString("utf8");
  return withoutWords(text, words) !== text;
}

const MESSAGES = 200;
const NO_SUCH_MESSAGE = 10037;
const NOT_FOUND = 10043;

/** For keepers: deletes what was noted from the stream, overwriting it. */
export async function deleteErasedMessages(deps: { sql: Db; connection: Connection }): Promise<void> {
  const { sql, connection } = deps;
  for (let found = MESSAGES; found === MESSAGES; ) {
    found = await transactionOnce(sql, async tx => {
      const rows = await tx<{ seq: number }[]>`
        SELECT stream_seq AS seq FROM bus.dead_erasure ORDER BY 1 LIMIT ${MESSAGES} FOR UPDATE SKIP LOCKED`;
      for (const { seq } of rows) await deleteMessage(connection, seq);
      const seqs = rows.map(row => row.seq);
      if (seqs.length > 0) {
        await tx`DELETE FROM bus.dead_erasure WHERE stream_seq = ANY(${seqs}::bigint[])`;
        await tx`UPDATE bus.dead SET stream_seq = NULL WHERE stream_seq = ANY(${seqs}::bigint[])`;
      }
      return rows.length;
    });
  }
}

async function deleteMessage(connection: Connection, seq: number): Promise<void> {
  try {
    await connection.jsm.streams.deleteMessage(DEAD_STREAM, seq, true);
  } catch (error) {
    const { api_error: told } = error as { api_error?: { err_code?: number } };
    if (told?.err_code !== NO_SUCH_MESSAGE && told?.err_code !== NOT_FOUND) throw error;
  }
}
