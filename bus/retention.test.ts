import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Db } from "../platform/postgres/index.ts";
import { dayPartitions } from "../platform/postgres/index.ts";
import { type FreshDatabase, freshDatabase } from "../platform/testing/index.ts";
import { ensureLedgerPartitions, firstIdAt } from "./partitions.ts";
import { forgetOldJobs } from "./retention.ts";

const DAY_MS = 86_400_000;
const now = new Date("2026-11-21T12:00:00Z");
const ago = (days: number) => new Date(now.getTime() - days * DAY_MS);

let database: FreshDatabase;
let sql: Db;
beforeEach(async () => {
  database = await freshDatabase();
  sql = database.sql;
});
afterEach(() => database.drop());

type Row = { kind: string; status: string; days: number; finishedDays?: number | null; n?: number };

/** `n` jobs enqueued so many days ago, each with a try. */
async function jobs({ kind, status, days, finishedDays = days, n = 1 }: Row): Promise<void> {
  const first = firstIdAt(ago(days).getTime()).slice(0, 24);
  const finishedAt = finishedDays === null ? null : ago(finishedDays);
  const salt = Bun.hash(`${kind}${status}`).toString(16).padStart(8, "0").slice(0, 6);
  await sql`
    INSERT INTO bus.job (id, kind, version, priority, store_id, key, status, attempt, traceparent, queued_at, finished_at)
    SELECT (${first} || ${salt} || lpad(i::text, 6, '0'))::uuid, ${kind}, 1, 'low', '-', 'k', ${status}, 1, '', ${ago(days)}, ${finishedAt}
    FROM generate_series(1, ${n}) i`;
  await sql`
    INSERT INTO bus.job_try (job_id, attempt, run, worker, started_at, outcome, traceparent)
    SELECT id, 1, 0, 'w', queued_at, ${status}, '' FROM bus.job j
    WHERE NOT EXISTS (SELECT FROM bus.job_try y WHERE y.job_id = j.id)`;
}

async function left(): Promise<string[]> {
  const rows = await sql<{ kind: string; status: string; n: number; tries: number }[]>`
    SELECT j.kind, j.status, count(*) AS n, count(y.job_id) AS tries
    FROM bus.job j LEFT JOIN bus.job_try y ON y.job_id = j.id GROUP BY 1, 2 ORDER BY 1, 2`;
  return rows.map(row => `${row.kind} ${row.status} ${row.n} ${row.tries}`);
}

const partitions = async () => (await dayPartitions(sql, "bus.job")).map(one => one.name);

test("a day's partition is dropped when its kinds let go; what is kept longer, or has not ended, moves and stays", async () => {
  await ensureLedgerPartitions(sql, ago(10));
  await jobs({ kind: "search.index", status: "done", days: 10, n: 5_000 });
  await jobs({ kind: "search.index", status: "discarded", days: 10 });
  await jobs({ kind: "search.index", status: "dead", days: 10 });
  await jobs({ kind: "catalog.import", status: "done", days: 10 });
  await jobs({ kind: "email.send", status: "retrying", days: 10, finishedDays: null });
  await jobs({ kind: "email.send", status: "done", days: 10, finishedDays: 1 });
  expect(await partitions()).toContain("bus.job_20261111");
  await Promise.all([forgetOldJobs(sql, now), forgetOldJobs(sql, now)]);
  const kept = [
    "catalog.import done 1 1",
    "email.send done 1 1",
    "email.send retrying 1 1",
    "search.index dead 1 1",
  ];
  expect(await left()).toEqual(kept);
  expect(await partitions()).not.toContain("bus.job_20261111");
  const [tries] = await sql<{ n: number }[]>`SELECT count(*) AS n FROM bus.job_try`;
  expect(tries!.n).toBe(4);

  // Partitions of days to come can still be made beside what has moved, and the rest goes when its own time is over.
  await ensureLedgerPartitions(sql, now);
  await forgetOldJobs(sql, new Date(now.getTime() + 200 * DAY_MS));
  expect(await left()).toEqual(["email.send retrying 1 1"]);
});

test("kinds that are kept for less go from a younger partition in steps, and nothing else does", async () => {
  await ensureLedgerPartitions(sql, ago(3));
  await jobs({ kind: "drill.noop.low", status: "done", days: 3, n: 4_500 });
  await jobs({ kind: "drill.fail.low", status: "dead", days: 3 });
  await jobs({ kind: "stock.commit", status: "done", days: 3 });
  await forgetOldJobs(sql, now);
  expect(await left()).toEqual(["drill.fail.low dead 1 1", "stock.commit done 1 1"]);
  expect(await partitions()).toContain("bus.job_20261118");
});

test("requests go after thirty days, dead letters with their jobs", async () => {
  await ensureLedgerPartitions(sql, ago(40));
  await sql`INSERT INTO bus.request (trace_id, at, node, method, route, status, took_ms)
            VALUES ('t1', ${ago(39)}, 'n', 'POST', '/x', 200, 1), ('t2', ${ago(2)}, 'n', 'POST', '/x', 200, 1)`;
  const letter = (id: string, kind: string, days: number) => sql`
    INSERT INTO bus.dead (id, kind, version, store_id, key, reason, error, fingerprint, attempts, traceparent, died_at,
                          appeared_at)
    VALUES (${id}, ${kind}, 1, '-', 'k', 'failed', 'e', 'f', 1, '', ${ago(days)}, ${ago(days)})`;
  await letter("old", "email.send", 91);
  await letter("older but dear", "checkout.pay", 100);
  await letter("young", "email.send", 80);
  await letter("drill", "drill.fail.low", 8);
  await forgetOldJobs(sql, now);
  expect((await sql`SELECT trace_id FROM bus.request`).map(row => row.trace_id)).toEqual(["t2"]);
  expect((await sql`SELECT id FROM bus.dead ORDER BY id`).map(row => row.id)).toEqual([
    "older but dear",
    "young",
  ]);
});
