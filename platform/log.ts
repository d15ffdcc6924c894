/**
 * JSON logs by pino, written asynchronously to stdout; the supervisor makes them readable on a terminal.
 * Channels tell the streams apart: `app`, `access`, `workers`. Secrets and personal data are not logged; the
 * redaction list is a net under that rule, not the rule.
 */
import pino from "pino";

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
      redact: {
        paths: ["authorization", "password", "token", "*.authorization", "*.password", "*.token"],
        remove: true,
      },
    },
    destination,
  );
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
