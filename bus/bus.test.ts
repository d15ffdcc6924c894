import { expect, test } from "bun:test";
import fc from "fast-check";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { backoffMs } from "./backoff.ts";
import { openBus } from "./bus.ts";
import { contractOf, contracts } from "./contracts/index.ts";
import { decode, encode, payloadFault } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import { emit, enqueue } from "./outbox.ts";
import { ensureLedgerPartitions, firstIdAt } from "./partitions.ts";
import { percentileMs, RateWindow } from "./rates.ts";
import { relayOnce } from "./relay.ts";
import { writeSettled } from "./settle-store.ts";
import { beginRun } from "./tries.ts";

const noop = contractOf("drill.noop.high")!;

function received(id = Bun.randomUUIDv7(), attempt = 1) {
  return {
    id,
    attempt,
    kind: noop.kind,
    version: 1,
    priority: "high" as const,
    storeId: "store_test",
    key: "drill:noop",
    traceparent: "",
    queuedAtMs: Date.now(),
    payload: {},
    body: "{}",
  };
}

function settled(job: ReturnType<typeof received>, status: "done" | "dead" | "retrying") {
  const now = Date.now();
  return {
    job,
    status,
    startedAtMs: now,
    endedAtMs: now,
    run: null,
    error: null,
    retryAfterMs: 0,
  };
}

test("an envelope survives its way through a message, whatever the key", () => {
  const words = fc.string({ unit: "grapheme", maxLength: 60 }).filter(text => !text.includes("\0"));
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 99 }), (key, attempt) => {
      const job = { ...received(), key, attempt };
      const { subject, headers, data } = encode(job);
      expect(decode(noop, { subject, headers, string: () => data })).toMatchObject({
        id: job.id,
        key,
        attempt,
      });
    }),
  );
});

test("the back-off grows to its ceiling, is never under half of it and never over", () => {
  for (const contract of contracts) {
    const { baseMs, maxMs } = contract.backoff;
    for (let attempt = 1; attempt <= 40; attempt++) {
      const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
      expect(backoffMs(contract, attempt, () => 0)).toBe(Math.round(ceiling / 2));
      expect(backoffMs(contract, attempt, () => 1)).toBe(Math.round(ceiling));
    }
  }
});

test("errors that differ in ids, numbers and quoted words are one group; kinds and messages tell them apart", () => {
  const one = fingerprint("email.send", 'order ord_06gzjnvydndaec8t has no "mail" after 12 ms');
  expect(fingerprint("email.send", 'order ord_16gzjnvydndaec8t has no "box" after 7 ms')).toBe(one);
  expect(fingerprint("search.index", 'order ord_06gzjnvydndaec8t has no "mail" after 12 ms')).not.toBe(one);
  expect(fingerprint("email.send", "connection refused")).not.toBe(one);
});

test("percentiles of several processes are read from their counts together", () => {
  const [a, b] = [new RateWindow(), new RateWindow()];
  for (let i = 0; i < 90; i++) a.add(1);
  for (let i = 0; i < 10; i++) b.add(1_000);
  const both = [a.summary(), b.summary()];
  expect(percentileMs(both, 0.5)!).toBeLessThan(2);
  expect(percentileMs(both, 0.95)!).toBeGreaterThanOrEqual(1_000);
  expect(percentileMs([], 0.95)).toBeNull();
});

test("payload schemas refuse what is not theirs, with the path of the fault", () => {
  const commit = contractOf("stock.commit")!;
  expect(payloadFault(commit, { orderIds: ["ord_06gzjnvydndaec8t"] })).toBeNull();
  for (const orderId of [
    "",
    "prod_06gzjnvydndaec8t",
    "ord_\0\0\0\0\0\0\0\0",
    "x".repeat(1_000_000),
    7,
    null,
  ]) {
    expect(payloadFault(commit, { orderIds: [orderId] })).toMatchObject({ path: "orderIds.0" });
  }
  expect(payloadFault(commit, { orderIds: ["ord_06gzjnvydndaec8t"], email: "a@b.c" })).toMatchObject({
    path: "email",
  });
});

test("an event becomes one outbox row per job that reacts, in the caller's transaction", async () => {
  const { sql, drop } = await freshDatabase();
  const origin = {
    storeId: "store_test",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  };
  await sql.begin(tx => emit(tx as never, origin, { type: "order.placed", orderId: "ord_06gzjnvydndaec8t" }));
  const rows = await sql`SELECT kind, key, store_id, traceparent FROM bus.outbox ORDER BY kind`;
  const kinds = rows.map(row => row.kind);
  expect(kinds).toEqual(expect.arrayContaining(["email.send", "stock.commit"]));
  expect(new Set(kinds).size).toBe(kinds.length);
  for (const row of rows)
    expect(row).toMatchObject({ key: "order:ord_06gzjnvydndaec8t", store_id: "store_test" });
  await drop();
});

test("two relays share the outbox: each row is published once and gets its ledger row", async () => {
  const [{ sql, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const job = { contract: noop, payload: {}, storeId: "store_test" };
  await Promise.all(Array.from({ length: 700 }, () => enqueue(sql, job)));
  const deps = { sql, connection: bus.connection };
  const counts = await Promise.all([relayOnce(deps), relayOnce(deps), relayOnce(deps)]);
  expect(counts.reduce((a, b) => a + b)).toBe(700);
  expect((await bus.connection.jsm.streams.info("HIGH")).state.messages).toBe(700);
  const [row] = await sql`SELECT (SELECT count(*) FROM bus.outbox) AS left, count(*) AS ledger FROM bus.job`;
  expect(row).toMatchObject({ left: 0, ledger: 700 });
  await bus.close();
  await drop();
  await nats.release();
});

test("two rows of one job in a round, put back and tried again, are both published, and hold nobody up", async () => {
  const [{ sql, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const id = await enqueue(sql, { contract: noop, payload: {}, storeId: "store_test" });
  await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent)
    SELECT id, 2, kind, version, priority, store_id, key, payload, traceparent FROM bus.outbox WHERE id = ${id}`;
  await enqueue(sql, { contract: noop, payload: {}, storeId: "store_test" });
  expect(await relayOnce({ sql, connection: bus.connection })).toBe(3);
  expect(await sql`SELECT attempt, status FROM bus.job WHERE id = ${id}`).toMatchObject([
    { attempt: 2, status: "queued" },
  ]);
  await bus.close();
  await drop();
  await nats.release();
});

test("a terminal row stays as it is when a late second run reports", async () => {
  const { sql, drop } = await freshDatabase();
  const job = received();
  await writeSettled(sql, "w", [settled(job, "done")]);
  await writeSettled(sql, "w", [settled(job, "dead"), settled(received(), "done")]);
  await writeSettled(sql, "w", [settled(job, "retrying")]);
  const rows = await sql`SELECT status FROM bus.job WHERE id = ${job.id}`;
  expect(rows.map(row => row.status)).toEqual(["done"]);
  expect(await sql`SELECT id FROM bus.outbox`).toHaveLength(0);
  await drop();
});

test("a redelivered try that had ended is only acknowledged; a live worker's is left to it; two proven kills end it", async () => {
  const { sql, drop } = await freshDatabase();
  const run = { worker: "b", alone: true, liveWorkers: ["b"] };
  const ended = received();
  await writeSettled(sql, "w", [settled(ended, "done")]);
  expect(await beginRun(sql, ended, run)).toEqual({ type: "settled" });
  const parked = received();
  await writeSettled(sql, "w", [settled(parked, "retrying")]);
  expect(await beginRun(sql, parked, run)).toEqual({ type: "settled" });
  expect(await beginRun(sql, { ...parked, attempt: 2 }, run)).toMatchObject({ type: "run" });

  const stalled = received();
  expect(await beginRun(sql, stalled, { ...run, worker: "a" })).toEqual({ type: "run", run: 1 });
  expect(await beginRun(sql, stalled, { ...run, liveWorkers: ["a", "b"] })).toEqual({ type: "running" });
  expect(await beginRun(sql, stalled, run)).toEqual({ type: "run", run: 2 });
  const next = { worker: "c", alone: true, liveWorkers: ["c"] };
  expect(await beginRun(sql, stalled, next)).toEqual({ type: "killer", run: 3, kills: 2 });
  await drop();
});

test("kills beside other jobs prove nothing, but five of them end a job", async () => {
  const { sql, drop } = await freshDatabase();
  const job = received();
  for (let i = 0; i < 5; i++) {
    const run = { worker: `w${i}`, alone: false, liveWorkers: [] };
    expect(await beginRun(sql, job, run)).toMatchObject({ type: "run" });
  }
  expect(await beginRun(sql, job, { worker: "x", alone: false, liveWorkers: [] })).toMatchObject({
    type: "killer",
  });
  await drop();
});

test("the ledger has a partition for today's ids, which is not vacuumed for insertions", async () => {
  const { sql, drop } = await freshDatabase();
  await Promise.all([ensureLedgerPartitions(sql, new Date()), ensureLedgerPartitions(sql, new Date())]);
  await writeSettled(sql, "w", [settled(received(), "done")]);
  const [row] = await sql`
    SELECT j.tableoid::regclass::text AS name, reloptions FROM bus.job j JOIN pg_class c ON c.oid = j.tableoid`;
  expect(row!.reloptions).toEqual(["autovacuum_vacuum_insert_threshold=-1"]);
  expect(row!.name).toBe(`bus.job_${new Date().toISOString().slice(0, 10).replaceAll("-", "")}`);
  expect(firstIdAt(Date.now()) < Bun.randomUUIDv7()).toBe(true);
  await drop();
});

test("settings of a kind merge, survive a restart, and reach every process", async () => {
  const [{ sql, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const open = () => openBus({ url: nats.url, name: "test", log: silentLog, sql });
  const [a, b] = [open(), open()];
  await Promise.all([a.ready, b.ready]);
  for (let cap = 2; cap <= 17; cap++) {
    await Promise.all([a.setKind(noop, { cap }), b.setKind(noop, { paused: cap % 2 === 1 })]);
    // Whoever of the two was the last to reach the server, it enforces the cap.
    const info = await a.connection.jsm.consumers.info("HIGH", "drill_noop_high");
    expect(info.config.max_ack_pending).toBe(cap);
  }
  await until(() => a.kinds.state(noop).paused && b.kinds.state(noop).cap === 17);
  const c = open();
  await c.ready;
  expect(c.kinds.state(noop)).toMatchObject({ cap: 17, paused: true, pauses: [{ by: "operator" }] });
  await Promise.all([a.close(), b.close(), c.close()]);
  await drop();
  await nats.release();
});

test("a ledger row that came before the partition of its day is moved into it", async () => {
  const { sql, drop } = await freshDatabase();
  const job = received();
  await writeSettled(sql, "w", [settled(job, "done")]);
  await ensureLedgerPartitions(sql, new Date());
  const rows = await sql`SELECT tableoid::regclass::text AS name, status FROM bus.job WHERE id = ${job.id}`;
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ status: "done", name: expect.stringMatching(/^bus\.job_\d{8}$/) });
  await drop();
});

test("a process with more metrics than a message takes is heard all the same", async () => {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const metrics = createMetrics("talkative");
  const counter = metrics.counter("tradewind_test_total", "of a test", ["word"]);
  for (let n = 0; n < 20_000; n++) counter.inc({ word: `word ${n} ${"x".repeat(60)}` });
  const bus = openBus({ url: nats.url, name: "talkative", log: silentLog, sql: database.sql, metrics });
  await bus.ready;
  const heard = async () => JSON.stringify(await bus.collectMetrics());
  const text = await until(
    async () => {
      const all = await heard();
      return all.includes("tradewind_test_total") && all;
    },
    { what: "the metrics" },
  );
  expect(text.length).toBeGreaterThan(1_048_576);
  expect(text).toContain("word 19999 ");
  await bus.close();
  await nats.release();
  await database.drop();
});
