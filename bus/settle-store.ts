import type { Db } from "../platform/postgres/index.ts";
import { jobId, type Received } from "./envelope.ts";

export type SettledTry = Omit<Received, "payload"> & {
  readonly status: "done" | "discarded" | "dead" | "retrying";
  readonly worker: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly run: number | null;
  readonly error: string | null;
  readonly retryAfterMs: number;
};

const ERROR_MAX = 4_000;

/**
 * Writes a group of ended tries in one statement: the ledger's rows, tries that the ledger row alone would not tell, and
 * parked retries. Repeating it changes nothing: terminal rows stay as they are, tries and retries are keyed.
 */
export async function writeSettled(sql: Db, tries: readonly SettledTry[]): Promise<void> {
  const rows = tries.filter(hasIdentity);
  if (rows.length === 0) return;
  const column = <T>(pick: (row: SettledTry) => T) => rows.map(pick);
  const seconds = (ms: number) => ms / 1_000;
  await sql`
    SELECT bus.settle(
      ${column(row => row.id)}::uuid[],
      ${column(row => row.attempt)}::int[],
      ${column(row => row.kind)}::text[],
      ${column(row => row.version)}::int[],
      ${column(row => row.priority)}::text[],
      ${column(row => row.storeId)}::text[],
      ${column(row => row.key)}::text[],
      ${column(row => row.status)}::text[],
      ${column(row => row.traceparent)}::text[],
      ${column(row => row.body)}::text[],
      ${column(row => row.worker)}::text[],
      ${column(row => seconds(row.queuedAtMs))}::float8[],
      ${column(row => seconds(row.startedAtMs))}::float8[],
      ${column(row => seconds(row.endedAtMs))}::float8[],
      ${column(row => row.run)}::int[],
      ${column(row => row.error?.slice(0, ERROR_MAX).replaceAll("\0", "") ?? null)}::text[],
      ${column(row => row.retryAfterMs)}::float8[])`;
}

/** A malformed message may lack what a ledger row needs; its dead letter tells all there is. */
function hasIdentity(row: SettledTry): boolean {
  return jobId.test(row.id) && Number.isInteger(row.attempt) && Number.isInteger(row.version);
}

/** Postgres refused what a row says (SQLSTATE class 22 or 23), which no repetition changes. */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test((error as { code?: string }).code ?? "");
}
