import { uuidPattern } from "../platform/ids.ts";
import type { Db } from "../platform/postgres/index.ts";
import type { Received } from "./envelope.ts";

export type SettledTry = Omit<Received, "payload"> & {
  readonly status: "done" | "discarded" | "cancelled" | "dead" | "retrying";
  readonly worker: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly run: number | null;
  readonly error: string | null;
  readonly retryAfterMs: number;
};

const ERROR_MAX = 4_000;

const UNIT = "\x1f";
const NULL = "\x1e";

/** A column as one text: the server splits it faster than the client escapes an array's elements. */
function packed(values: (string | number | null)[]): string {
  return values.map(value => value ?? NULL).join(UNIT);
}

/**
 * Text that may come from outside: without the separators and what Postgres can't hold, and never empty, as an empty
 * text would be an array without elements.
 */
function clean(text: string): string {
  return text.replaceAll("\0", " ").replaceAll(UNIT, " ").replaceAll(NULL, " ") || "-";
}

/**
 * Writes a group of ended tries in one statement: the ledger's rows, tries that the ledger row alone would not tell, and
 * parked retries. Repeating it changes nothing: terminal rows stay as they are, tries and retries are keyed.
 */
export async function writeSettled(sql: Db, tries: readonly SettledTry[]): Promise<void> {
  const rows = tries.filter(hasIdentity);
  if (rows.length === 0) return;
  const column = (pick: (row: SettledTry) => string | number | null) =>
    sql`string_to_array(${packed(rows.map(pick))}, ${UNIT}, ${NULL})`;
  await sql`
    SELECT bus.settle(
      ${column(row => row.id)}::uuid[],
      ${column(row => row.attempt)}::int[],
      ${column(row => row.kind)},
      ${column(row => row.version)}::int[],
      ${column(row => row.priority)},
      ${column(row => row.storeId)},
      ${column(row => clean(row.key))},
      ${column(row => row.status)},
      ${column(row => clean(row.traceparent))},
      ${column(row => clean(row.body))},
      ${column(row => row.worker)},
      ${column(row => row.queuedAtMs / 1_000)}::float8[],
      ${column(row => row.startedAtMs / 1_000)}::float8[],
      ${column(row => row.endedAtMs / 1_000)}::float8[],
      ${column(row => row.run)}::int[],
      ${column(row => (row.error === null ? null : clean(row.error.slice(0, ERROR_MAX))))},
      ${column(row => row.retryAfterMs)}::float8[])`;
}

/** A malformed message may lack what a ledger row needs; its dead letter tells all there is. */
function hasIdentity(row: SettledTry): boolean {
  return uuidPattern.test(row.id) && Number.isInteger(row.attempt) && Number.isInteger(row.version);
}

/** Postgres refused what a row says (SQLSTATE class 22 or 23), which no repetition changes. */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test((error as { code?: string }).code ?? "");
}
