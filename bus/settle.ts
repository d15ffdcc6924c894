/**
 * The one place where the end of a try becomes true. Outcomes of a process are settled in groups: one SQL statement
 * writes terminal rows, failed tries and parked retries of a whole group, then the messages are acknowledged.
 *
 * | outcome                       | written before the ack                                            |
 * | ----------------------------- | ----------------------------------------------------------------- |
 * | done, discarded, cancelled    | terminal row                                                      |
 * | failed, tries left            | the try, and a parked outbox row (job, attempt + 1) due after the back-off |
 * | failed, none left; malformed; | message on DEAD with its PubAck, then terminal row, then an ack   |
 * | killed its worker twice       | that the server confirms                                          |
 *
 * Crash story. Killed before the commit: nothing was written, the message comes back after the ack wait and takes the
 * slow path. Killed between commit and ack: it comes back too, the slow path finds the try settled and only acks.
 * Killed between PubAck on DEAD and commit: DEAD drops the repeat by its message id. Postgres away: the group waits,
 * its messages stay alive by heartbeats, nothing runs twice.
 * A retry always leaves the consumer: a message nak'ed with a delay would go on occupying the kind's cap.
 */

import { openGathering } from "../platform/gathering.ts";
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import { acks } from "./acks.ts";
import { backoffMs } from "./backoff.ts";
import type { JobMessage } from "./chunk-reader.ts";
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { type DeadLetter, type DeadReason, publishDead } from "./dead-letter.ts";
import { redactedEnding } from "./ending.ts";
import type { Received } from "./envelope.ts";
import type { Outcome } from "./outcome.ts";
import type { Pulled } from "./pull.ts";
import { isDataError, type SettledTry, writeSettled } from "./settle-store.ts";
import { streamOf } from "./topology.ts";

/** How a try ended, in the words of the runner. */
export type Ending =
  | Outcome
  /** The handler threw or ran out of time. */
  | { readonly type: "error"; readonly error: string; readonly stack?: string | undefined }
  /** Somebody cancelled the job before it started, or while it ran. */
  | { readonly type: "cancelled"; readonly reason: string }
  | { readonly type: "killed_worker"; readonly error: string }
  /** The message could not be read; `raw` is its body in base64. */
  | { readonly type: "malformed"; readonly error: string; readonly raw: string };

/** An ending that something is written of; the others count as no try (postpone.ts). */
export type Settled = Exclude<Ending, { type: "snooze" | "away" }>;

export type Try = {
  readonly contract: Contract;
  readonly job: Received;
  readonly pulled: Pulled;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Number of the row in `bus.job_try` that the slow path has opened. */
  readonly run: number | null;
  readonly ending: Settled;
};

const GROUP_MAX = 500;
/** Groups under way at once: one is written while the next is made. A second one only when it is worth its statement. */
const LANES = 2;
const SECOND_LANE_MIN = 200;
/**
 * After a group of this many the next begins so long after it began, or when it is worth a second lane: what ends by and by
 * shares its statement, whose cost is mostly the same however few it writes.
 */
const GATHER_FROM = 8;
const GATHER_MS = 20;
const STORE_RETRY_MS = 500;

export type Settler = {
  /** Queues a try; `onSettled` is called after its message was acknowledged (or given back). */
  settle(entry: Try, onSettled: (settled: SettledTry["status"] | "returned") => void): void;
  /** Waits until everything queued is settled, or gives back what could not be written within `patienceMs`. */
  close(patienceMs: number): Promise<void>;
};

type Queued = {
  readonly entry: Try;
  readonly row: SettledTry;
  readonly onSettled: (settled: SettledTry["status"] | "returned") => void;
};

export function createSettler(deps: { connection: Connection; sql: Db; log: Log; worker: string }): Settler {
  const { connection, sql, log, worker } = deps;
  let queue: Queued[] = [];
  let underWay = 0;
  let onIdle = () => {};
  let giveUpAtMs = Number.POSITIVE_INFINITY;

  const mayFlush = () => underWay === 0 || (underWay < LANES && queue.length >= SECOND_LANE_MIN);

  const gathering = openGathering({
    waiting: () => queue.length,
    isFree: mayFlush,
    isEnough: () => queue.length >= SECOND_LANE_MIN,
    gather: { ms: GATHER_MS, from: GATHER_FROM },
    flush,
  });

  function flush(): void {
    while (queue.length > 0 && mayFlush()) {
      const group = queue.slice(0, GROUP_MAX);
      queue = queue.slice(GROUP_MAX);
      gathering.began(group.length);
      underWay++;
      void settleGroup(group).finally(() => {
        underWay--;
        gathering.plan();
        if (underWay === 0) onIdle();
      });
    }
  }

  async function settleGroup(group: Queued[]): Promise<void> {
    const dying = group.filter(one => one.row.status === "dead");
    if (dying.length === 0) return write(group);
    const gone = await Promise.all(dying.map(bury));
    await write(group.filter(one => one.row.status !== "dead" || gone[dying.indexOf(one)]));
  }

  /** Writes a group, then acks it. A row that Postgres refuses is found by halving and goes back alone. */
  async function write(group: Queued[]): Promise<void> {
    const outcome = await written(group.map(one => one.row));
    if (outcome === "written") finish(group);
    else if (outcome === "away" || group.length === 1) for (const one of group) giveBack(one);
    else {
      const middle = Math.ceil(group.length / 2);
      await write(group.slice(0, middle));
      await write(group.slice(middle));
    }
  }

  /** Publishes a dead letter. False: that could not be done, and the message went back. */
  async function bury(queued: Queued): Promise<boolean> {
    try {
      await publishDead(connection, deadLetterOf(queued.entry));
      return true;
    } catch (error) {
      log.warn({ err: error, jobId: queued.row.job.id }, "dead letter not published; the message goes back");
      giveBack(queued);
      return false;
    }
  }

  async function written(rows: SettledTry[]): Promise<"written" | "refused" | "away"> {
    for (;;) {
      try {
        await writeSettled(sql, worker, rows);
        return "written";
      } catch (error) {
        log.warn({ err: error, rows: rows.length }, "ledger not written");
        if (isDataError(error)) return "refused";
        if (Date.now() > giveUpAtMs) return "away";
        await Bun.sleep(STORE_RETRY_MS);
      }
    }
  }

  function finish(group: Queued[]): void {
    const plain: JobMessage[] = [];
    for (const { entry, row } of group) {
      const { msg } = entry.pulled;
      if (row.status === "dead") {
        acks
          .ackSure(connection.nc, msg)
          .catch(() => log.warn({ jobId: row.job.id }, "ack of a dead letter not confirmed"));
      } else plain.push(msg);
    }
    acks.ackAll(connection.nc, plain);
    for (const { onSettled, row } of group) onSettled(row.status);
  }

  function giveBack(queued: Queued): void {
    acks.nak(connection.nc, queued.entry.pulled.msg, 1_000);
    queued.onSettled("returned");
  }

  return {
    settle(entry, onSettled) {
      const clean = entry.ending.type === "done" ? entry : withoutPersonalData(entry);
      queue.push({ entry: clean, row: rowOf(clean), onSettled });
      gathering.plan();
    },
    async close(patienceMs) {
      giveUpAtMs = Date.now() + patienceMs;
      while (underWay > 0 || queue.length > 0) {
        await new Promise<void>(resolve => {
          onIdle = resolve;
        });
      }
      if (connection.connected) await connection.nc.flush();
    },
  };
}

/** What goes into the ledger and the dead letters is free of mail addresses and the like (platform/redact.ts). */
function withoutPersonalData(entry: Try): Try {
  return { ...entry, ending: redactedEnding(entry.ending) };
}

function rowOf({ job, contract, ending, startedAtMs, endedAtMs, run }: Try): SettledTry {
  const row = (status: SettledTry["status"], error: string | null, retryAfterMs = 0): SettledTry => ({
    job,
    status,
    startedAtMs,
    endedAtMs,
    run,
    error,
    retryAfterMs,
  });
  switch (ending.type) {
    case "done":
      return row("done", null);
    case "discard":
      return row("discarded", ending.reason);
    case "cancelled":
      return row("cancelled", ending.reason);
    case "fail":
    case "killed_worker":
    case "malformed":
      return row("dead", ending.error);
    default: {
      const error = ending.error ?? "the handler asked for another try";
      if (job.attempt >= contract.maxTries) return row("dead", error);
      const asked = ending.type === "retry" ? ending.afterMs : undefined;
      return row("retrying", error, asked ?? backoffMs(contract, job.attempt));
    }
  }
}

function deadLetterOf(entry: Try): DeadLetter {
  const { ending, job } = entry;
  const reasons: Partial<Record<Ending["type"], DeadReason>> = {
    killed_worker: "killed_worker",
    malformed: "malformed",
    fail: "failed",
  };
  return {
    job,
    reason: reasons[ending.type] ?? "tries_used_up",
    error: ("error" in ending && ending.error) || "the handler asked for another try",
    stack: ending.type === "error" ? ending.stack : undefined,
    stream: streamOf(job.priority),
    stored: entry.pulled.stored,
    diedAtMs: entry.endedAtMs,
    raw: ending.type === "malformed" ? ending.raw : null,
  };
}
