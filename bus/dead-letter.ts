/**
 * Dead letters. A message that can't be done or read goes to the stream DEAD before it leaves its own; Postgres gets a
 * projection (dead-projection.ts) that serves search, grouping and replay (dead.ts).
 *
 * The message id (stream, sequence, time of storage) makes a repeated publish of the same message one entry: settle waits for the PubAck, and
 * when it fails the original message goes back to its consumer.
 *
 * What is written here can't be changed afterwards, so error, stack and the body of what could not be read come without
 * what names a person (settle.ts hands them in redacted); the stream's messages are deleted when somebody is erased
 * (erasure.ts).
 */
import { uuidPattern } from "../platform/ids.ts";
import { redact } from "../platform/redact.ts";
import type { Connection } from "./connection.ts";
import type { Received } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import { DEAD_STREAM } from "./topology.ts";

export type DeadReason = "tries_used_up" | "failed" | "killed_worker" | "malformed";

export type DeadLetter = {
  job: Omit<Received, "payload" | "body"> & { body?: string };
  reason: DeadReason;
  error: string;
  stack: string | undefined;
  stream: string;
  stored: string;
  diedAtMs: number;
  /** Body of a malformed message, base64. */
  raw: string | null;
};

/** What lies on the DEAD stream. */
export type DeadRecord = {
  id: string;
  jobId: string | null;
  kind: string;
  version: number;
  storeId: string;
  key: string;
  payload: unknown;
  raw: string | null;
  reason: DeadReason;
  error: string;
  stack: string | null;
  fingerprint: string;
  attempts: number;
  traceparent: string;
  diedAt: string;
};

const TEXT_MAX = 8_000;
const PUBLISH_TIMEOUT_MS = 2_000;

export async function publishDead(connection: Connection, letter: DeadLetter): Promise<void> {
  const record = recordOf(letter);
  await connection.js.publish(`dead.${letter.job.kind}`, JSON.stringify(record), {
    msgID: record.id,
    timeout: PUBLISH_TIMEOUT_MS,
    expect: { streamName: DEAD_STREAM },
  });
}

function recordOf(letter: DeadLetter): DeadRecord {
  const { job } = letter;
  return {
    id: `${letter.stream}-${letter.stored}`,
    jobId: uuidPattern.test(job.id) ? job.id : null,
    kind: job.kind,
    version: Number.isFinite(job.version) ? job.version : 0,
    storeId: job.storeId,
    key: redact(job.key),
    payload: job.body === undefined ? null : JSON.parse(job.body),
    raw: letter.raw,
    reason: letter.reason,
    error: letter.error.slice(0, TEXT_MAX),
    stack: letter.stack?.slice(0, TEXT_MAX) ?? null,
    fingerprint: fingerprint(job.kind, letter.error),
    attempts: Number.isFinite(job.attempt) ? job.attempt : 0,
    traceparent: job.traceparent,
    diedAt: new Date(letter.diedAtMs).toISOString(),
  };
}
