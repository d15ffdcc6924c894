/**
 * A job as a message. Headers carry the envelope and the body the payload (ids only), so that what only follows jobs
 * need not see payloads. Kind, priority and store come from the subject `<priority>.<kind>.<store>`.
 */

import { TypeCompiler } from "@sinclair/typebox/compiler";
import { headers, type MsgHdrs } from "nats";
import { uuidPattern } from "../platform/ids.ts";
import type { JobMessage } from "./chunk-reader.ts";
import type { Contract, Priority } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";
import { headerReader } from "./headers.ts";
import type { Job } from "./job.ts";
import { subjectOf } from "./topology.ts";
import { NewerVersion, upcast } from "./upcast.ts";

/**
 * One header for the whole envelope (`<id> <attempt> <version> <queued ms> <key>[ u]`) beside the trace: headers are looked
 * for one by one.
 */
const ENVELOPE = "Tw-Job";
const TRACE = "traceparent";

/** Last word of the envelope of a unique job; the others have none, and who does not know it does not look. */
const UNIQUE = "u";

/** The message is not a job that this version can read; it belongs in the dead letters as it is. */
export class MalformedMessage extends Error {
  override name = "MalformedMessage";
}

/** The server handed the message to the consumer of another kind (nats-server 2.9 after a freeze); it is not at fault. */
export class OtherKind extends Error {
  override name = "OtherKind";
  readonly belongsTo: Pick<Job, "priority" | "kind">;
  constructor(subject: string, contract: Contract) {
    super(`${subject} was handed to the consumer of ${contract.kind}`);
    const priority = subject.slice(0, subject.indexOf("."));
    const kind = subject.slice(priority.length + 1, subject.lastIndexOf("."));
    this.belongsTo = { priority: priority as Priority, kind };
  }
}

export type Received = Job & {
  /** Milliseconds since the epoch when the job was enqueued. */
  readonly queuedAtMs: number;
  /** Before it starts, its claim is given up (unique.ts). */
  readonly isUnique?: boolean;
  /** The payload as it came. */
  readonly body: string;
};

/** Its payload is filled in: a copy of a job with one would cost as much as reading it. */
type Draft = { -readonly [K in keyof Received]: Received[K] };

export type Encoded = { subject: string; data: string; headers: MsgHdrs; msgID: string };

/**
 * The message id lets the server drop a publish that is repeated within its window; `resent` tells it that this is none
 * (postpone.ts).
 */
export function encode(
  job: Job & { queuedAtMs: number; resent?: string | null; isUnique?: boolean },
): Encoded {
  const hdrs = headers();
  const flags = job.isUnique ? ` ${UNIQUE}` : "";
  hdrs.set(
    ENVELOPE,
    `${job.id} ${job.attempt} ${job.version} ${job.queuedAtMs} ${encodeURI(job.key)}${flags}`,
  );
  hdrs.set(TRACE, job.traceparent);
  return {
    subject: subjectOf(job),
    data: JSON.stringify(job.payload),
    headers: hdrs,
    msgID: job.resent ? `${job.id}:${job.attempt}:${job.resent}` : `${job.id}:${job.attempt}`,
  };
}

/** By contract and not by kind: two versions of one may be side by side. */
const checks = new Map(contracts.map(contract => [contract, TypeCompiler.Compile(contract.schema)]));

/** A JSON pointer as the dotted path that our problems use. */
function dotted(pointer: string): string {
  return pointer.slice(1).replaceAll("/", ".");
}

/** The first fault of a payload against its contract, or null; `path` is dotted, and empty for the payload itself. */
export function payloadFault(contract: Contract, payload: unknown): { path: string; message: string } | null {
  const check = checks.get(contract) ?? compiled(contract);
  if (check.Check(payload)) return null;
  const fault = check.Errors(payload).First();
  return { path: dotted(fault?.path ?? ""), message: fault?.message ?? "does not fit the schema" };
}

function compiled(contract: Contract) {
  const check = TypeCompiler.Compile(contract.schema);
  checks.set(contract, check);
  return check;
}

const MAX_FAULTS = 20;

/** All faults of a payload against its contract, as far as {@link MAX_FAULTS}. */
export function payloadFaults(contract: Contract, payload: unknown): { path: string; message: string }[] {
  const check = checks.get(contract) ?? compiled(contract);
  if (check.Check(payload)) return [];
  const faults: { path: string; message: string }[] = [];
  for (const { path, message } of check.Errors(payload)) {
    faults.push({ path: dotted(path).slice(0, 200), message });
    if (faults.length === MAX_FAULTS) break;
  }
  return faults;
}

type RawMessage = Pick<JobMessage, "subject" | "headers" | "head" | "string">;

/**
 * @throws MalformedMessage when the envelope or payload can't be read, NewerVersion when a newer worker could, OtherKind when
 * another kind's can.
 */
export function decode(contract: Contract, message: RawMessage): Received {
  if (!isOf(contract, message.subject)) throw new OtherKind(message.subject, contract);
  const job = envelopeOf(contract, message);
  if (!uuidPattern.test(job.id)) throw new MalformedMessage("the message has no job id");
  if (!Number.isInteger(job.attempt) || job.attempt < 1)
    throw new MalformedMessage("attempt is not a number");
  const body = message.string();
  const payload = job.version === contract.version ? parse(body) : lifted(contract, job.version, parse(body));
  const fault = payloadFault(contract, payload);
  if (fault) throw new MalformedMessage(`payload.${fault.path}: ${fault.message}`);
  job.payload = payload;
  job.body = body;
  return job;
}

/** `<priority>.<kind>.<store>` */
function isOf({ priority, kind }: Contract, subject: string): boolean {
  const from = priority.length + 1;
  return subject.startsWith(kind, from) && subject.lastIndexOf(".") === from + kind.length;
}

function lifted(contract: Contract, version: number, payload: unknown): unknown {
  if (!Number.isInteger(version)) throw new MalformedMessage("version is not a number");
  try {
    return upcast(contract, version, payload);
  } catch (error) {
    if (error instanceof NewerVersion) throw error;
    throw new MalformedMessage((error as Error).message);
  }
}

/** Postgres keeps these as `integer` and `timestamptz`. */
const MAX_NUMBER = 2_147_483_647;
const MAX_TIME_MS = Date.UTC(9999, 0);

function whole(text: string): number {
  const number = Number(text || Number.NaN);
  return Math.abs(number) <= MAX_NUMBER ? number : Number.NaN;
}

function timeOf(text: string): number {
  const ms = Number(text);
  return ms >= 1 && ms <= MAX_TIME_MS ? ms : Date.now();
}

/** What can be said of a message without trusting it, without its payload; parts that are missing or out of bounds are empty or NaN. */
export function envelopeOf(contract: Contract, message: RawMessage): Draft {
  const header = headerReader(message);
  const [id = "", attempt = "", version = "", queuedAt = "", key = "", flag] = header(ENVELOPE).split(" ");
  return {
    id,
    kind: contract.kind,
    version: whole(version),
    priority: contract.priority,
    storeId: message.subject.slice(message.subject.lastIndexOf(".") + 1),
    key: decodeKey(key),
    attempt: whole(attempt),
    traceparent: header(TRACE),
    queuedAtMs: timeOf(queuedAt),
    isUnique: flag === UNIQUE,
    payload: null,
    body: "null",
  };
}

function decodeKey(raw: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURI(raw).replaceAll("\0", "");
  } catch {
    return raw;
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new MalformedMessage("the payload is not JSON");
  }
}
