/** Streams saved and restored, and what becomes of jobs that a lost JetStream had. */
import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import { freshDatabase, freshNats } from "../platform/testing/index.ts";
import {
  type Bus,
  type Contract,
  contractOf,
  enqueue,
  keptStreams,
  lostJobs,
  openBus,
  relayOnce,
  resendQueued,
  restoreStream,
  saveStream,
} from "./index.ts";

const noop = contractOf("drill.noop.high")!;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const dir = await mkdtemp(join(tmpdir(), "tradewind-streams-"));
  closers.push(database.drop, nats.release, () => rm(dir, { recursive: true }));
  return { sql: database.sql, url: nats.url, dir };
}

async function open(url: string, sql: Db): Promise<Bus> {
  const bus = openBus({ url, name: "test", log: silentLog, sql });
  closers.push(() => bus.close());
  await bus.ready;
  return bus;
}

async function loseJetStream(bus: Bus): Promise<void> {
  const names: string[] = [];
  for await (const name of bus.connection.jsm.streams.names()) names.push(name);
  await Promise.all(names.map(name => bus.connection.jsm.streams.delete(name)));
  await bus.close();
}

test("streams come back with their messages, sequences and consumers, and go on from there", async () => {
  const { sql, url, dir } = await setup();
  const bus = await open(url, sql);
  await bus.setKind(noop, { cap: 7 });
  const { nc, js, jsm } = bus.connection;
  const text = "x".repeat(1_000);
  for (let i = 0; i < 600; i++) nc.publish("flash.3", `${i} ${text}`);
  const consumer = await js.consumers.get("FLASH", "lane_3");
  for (let i = 0; i < 10; i++) await (await consumer.next())!.ackAck();
  const saved = [];
  for (const name of keptStreams) saved.push(await saveStream(nc, name, dir));
  expect(saved.map(one => [one!.name, one!.messages])).toEqual([
    ["FLASH", 590],
    ["DEAD", 0],
    ["KV_TW_KINDS", 1],
    ["KV_TW_POOLS", 0],
  ]);
  expect(await saveStream(nc, "NOTHING", dir)).toBeNull();
  const before = await jsm.streams.info("FLASH");
  await loseJetStream(bus);

  const empty = await open(url, sql);
  expect(empty.kinds.state(noop).cap).not.toBe(7);
  for (const name of keptStreams) await restoreStream(empty.connection.nc, name, dir);
  expect(await restoreStream(empty.connection.nc, "NOTHING", dir)).toBeNull();
  await empty.close();

  const back = await open(url, sql);
  const after = await back.connection.jsm.streams.info("FLASH");
  const { messages, first_seq, last_seq, consumer_count } = before.state;
  expect(after.state).toMatchObject({ messages, first_seq, last_seq, consumer_count });
  expect(back.kinds.state(noop).cap).toBe(7);
  const next = await (await back.connection.js.consumers.get("FLASH", "lane_3")).next();
  expect(next!.string()).toBe(`10 ${text}`);
}, 120_000);

test("jobs that were on their way when JetStream was lost are published again, those that ended are not", async () => {
  const { sql, url } = await setup();
  const bus = await open(url, sql);
  const make = () => enqueue(sql, { contract: noop, payload: {}, storeId: "store_test" });
  const [done, lost] = [await make(), await make()];
  await relayOnce({ connection: bus.connection, sql });
  await sql`UPDATE bus.job SET status = 'done', finished_at = now() WHERE id = ${done}`;
  const unpublished = await make();
  expect(await resendQueued(sql, bus.connection)).toEqual({ type: "held", messages: 2 });
  await loseJetStream(bus);

  const empty = await open(url, sql);
  expect(await resendQueued(sql, empty.connection)).toEqual({ type: "resent", jobs: 1 });
  expect(await resendQueued(sql, empty.connection)).toEqual({ type: "resent", jobs: 0 });
  await relayOnce({ connection: empty.connection, sql });
  const { jsm } = empty.connection;
  const ids = await Promise.all(
    [1, 2].map(async seq => (await jsm.streams.getMessage("HIGH", { seq })).header.get("Nats-Msg-Id")),
  );
  expect(ids.map(id => id.slice(0, 36)).sort()).toEqual([lost, unpublished].sort());
  expect(await resendQueued(sql, empty.connection)).toEqual({ type: "held", messages: 2 });
  expect(await sql`SELECT status FROM bus.job WHERE id = ${lost}`).toMatchObject([{ status: "queued" }]);
}, 120_000);

test("keepers publish lost jobs again when they found them so twice, and nothing that is on its way", async () => {
  const { sql, url } = await setup();
  const bus = await open(url, sql);
  const make = (contract: Contract) => enqueue(sql, { contract, payload: {}, storeId: "store_test" });
  const other = contractOf("drill.noop.low")!;
  const lost = await make(noop);
  await make(other);
  await relayOnce({ connection: bus.connection, sql });
  const turn = lostJobs({ sql, connection: bus.connection, log: silentLog, ageMs: 0 });
  expect([await turn(), await turn()]).toEqual([0, 0]);
  await bus.connection.jsm.streams.purge("HIGH");
  expect([await turn(), await turn()]).toEqual([0, 1]);
  expect(await sql`SELECT id FROM bus.outbox`).toMatchObject([{ id: lost }]);
  expect([await turn(), await turn()]).toEqual([0, 0]);
  await relayOnce({ connection: bus.connection, sql });
  expect([await turn(), await turn()]).toEqual([0, 0]);
  const old = lostJobs({ sql, connection: bus.connection, log: silentLog });
  await bus.connection.jsm.streams.purge("HIGH");
  expect([await old(), await old()]).toEqual([0, 0]);
}, 120_000);
