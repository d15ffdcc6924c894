/**
 * JSON logs by pino, written asynchronously to stdout; the supervisor makes them readable on a terminal.
 * Channels tell the streams apart: `app`, `access`, `workers`. Secrets and personal data are not logged; what is taken out
 * of errors and the redaction list are a net under that rule, not the rule.
 */
import pino from "pino";
import { redact } from "./redact.ts";

export type Log = pino.Logger;
export type Channel = "app" | "access" | "workers";

const FLUSH_BYTES = 4096;

export function createLog(options: {
  level: string;
  process: string;
  channel?: Channel;
  /** Where lines go; default: standard output. */
  destination?: pino.DestinationStream;
}): Log {
  const destination = options.destination ?? standardOutput();
  return pino(
    {
      level: options.level,
      base: { process: options.process, pid: process.pid, channel: options.channel ?? "app" },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: shownError },
      redact: {
        paths: ["authorization", "password", "token", "*.authorization", "*.password", "*.token"],
        remove: true,
      },
    },
    destination,
  );
}

/** What a database or a client adds to its errors: the values that were sent. */
const VALUES = new Set(["parameters", "args", "detail", "where", "hint", "request", "config", "body"]);
const MAX_DEPTH = 4;

/** An error as it is logged: texts without what names a person or opens a door, values of queries not at all. */
function shownError(error: unknown): unknown {
  return harmless(error instanceof Error ? pino.stdSerializers.err(error) : error, 0);
}

function harmless(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map(inner => harmless(inner, depth + 1));
  const entries = Object.entries(value).filter(([name]) => !VALUES.has(name));
  return Object.fromEntries(entries.map(([name, inner]) => [name, harmless(inner, depth + 1)]));
}

function standardOutput(): pino.DestinationStream {
  const destination = pino.destination({ dest: 1, sync: false, minLength: FLUSH_BYTES });
  // Below the threshold nothing would be written until the next line; a short timer bounds how late a line shows.
  setInterval(() => destination.flush(), 200).unref();
  return destination;
}

export function channel(log: Log, name: Channel): Log {
  return log.child({ channel: name });
}

/** Waits until what was logged is written; call before exit. */
export function flushLog(log: Log): Promise<void> {
  return new Promise(resolve => log.flush(() => resolve()));
}

/** For tests and tools that have nothing to say. */
export const silentLog: Log = pino({ level: "silent" });
