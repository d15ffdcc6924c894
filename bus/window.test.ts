import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { silentLog } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import { freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { type Bus, openBus, windowsOf } from "./bus.ts";
import { contractOf } from "./contracts/index.ts";
import { relayOnce, startRelay } from "./relay.ts";
import { startReleaser } from "./release.ts";
import { durableOf, ensureTopology, streamOf } from "./topology.ts";
import { WINDOW, Windows } from "./window.ts";

const noop = contractOf("drill.noop.low")!;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const { sql } = database;
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  closers.push(
    () => database.drop(),
    () => nats.release(),
    () => bus.close(),
  );
  return { sql, bus };
}

/** What a keeper runs of the bus. */
function keep(sql: Db, bus: Bus) {
  const windows = windowsOf(bus);
  const deps = { connection: bus.connection, sql, log: silentLog, windows };
  const parts = [startReleaser(deps), startRelay(deps), startRelay(deps)];
  const stop = async () => void (await Promise.all(parts.map(part => part.stop())));
  closers.push(stop);
  return { windows, stop };
}

async function enqueueMany(sql: Db, storeId: string, count: number): Promise<void> {
  await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent)
    SELECT uuidv7(), 1, ${noop.kind}, 1, 'low', ${storeId}, 'drill:noop', '{}'::jsonb, ''
    FROM generate_series(1, ${count})`;
}

/** Stores of the kind's jobs in the stream, in the order in which they will be given out. */
async function inStream(bus: Bus): Promise<string[]> {
  const { connection } = bus;
  const info = await connection.jsm.streams.info(streamOf("low"));
  const stores: string[] = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq++) {
    const message = await connection.jsm.streams.getMessage(streamOf("low"), { seq }).catch(() => null);
    if (message) stores.push(message.subject.split(".").at(-1)!);
  }
  return stores;
}

/** Takes jobs off the stream as a worker does; returns the stores of what it took. */
async function take(bus: Bus, count: number): Promise<string[]> {
  const consumer = await bus.connection.js.consumers.get(streamOf("low"), durableOf(noop.kind));
  const stores: string[] = [];
  while (stores.length < count) {
    const messages = await consumer.fetch({ max_messages: count - stores.length, expires: 1_000 });
    for await (const message of messages) {
      stores.push(message.subject.split(".").at(-1)!);
      message.ack();
    }
  }
  return stores;
}

const rows = async (sql: Db) => {
  const [row] = await sql<{ held: number; free: number }[]>`
    SELECT count(*) FILTER (WHERE held) AS held, count(*) FILTER (WHERE NOT held) AS free FROM bus.outbox`;
  return row!;
};

/** Workers may be done with a job before the release of it has committed. */
const untilEmpty = (sql: Db) =>
  until(async () => Bun.deepEquals(await rows(sql), { held: 0, free: 0 }), { what: "an empty outbox" });

test("with 50,000 jobs of one store waiting, another's first starts within 200 of them", async () => {
  const { sql, bus } = await setup();
  keep(sql, bus);
  await enqueueMany(sql, "store_a", 50_000);
  await enqueueMany(sql, "store_b", 1);
  bus.poke();
  await until(async () => (await inStream(bus)).includes("store_b"), { what: "the other store's job" });
  const stores = await inStream(bus);
  expect(stores.indexOf("store_b")).toBeLessThanOrEqual(200);
  await until(async () => (await rows(sql)).free === 0, { timeoutMs: 30_000, what: "all others held" });
  expect(await rows(sql)).toEqual({ held: 50_000 - (stores.length - 1), free: 0 });
}, 60_000);

test("a store that comes while another's jobs are being worked off waits for a window of them at most", async () => {
  const { sql, bus } = await setup();
  keep(sql, bus);
  await enqueueMany(sql, "store_a", 3_000);
  expect(new Set(await take(bus, 500))).toEqual(new Set(["store_a"]));
  await enqueueMany(sql, "store_b", 1);
  bus.poke();
  await until(async () => (await inStream(bus)).includes("store_b"), { what: "the other store's job" });
  expect((await inStream(bus)).indexOf("store_b")).toBeLessThanOrEqual(200);
  const rest = await take(bus, 2_501);
  expect(rest.filter(store => store === "store_b")).toHaveLength(1);
  await untilEmpty(sql);
}, 60_000);

test("stores with backlogs are released in turn", async () => {
  const { sql, bus } = await setup();
  for (const store of ["store_a", "store_b", "store_c"]) await enqueueMany(sql, store, 1_000);
  keep(sql, bus);
  const taken = await take(bus, 1_500);
  const counts = [...Map.groupBy(taken, store => store).values()].map(group => group.length);
  expect(counts).toHaveLength(3);
  for (const count of counts) expect(Math.abs(count - 500)).toBeLessThanOrEqual(200);
}, 60_000);

test("few jobs pass without the stream being asked", async () => {
  const { sql, bus } = await setup();
  const windows = windowsOf(bus);
  windows.leading = true;
  let asked = 0;
  const refresh = windows.refresh.bind(windows);
  windows.refresh = slots => {
    asked++;
    return refresh(slots);
  };
  const deps = { connection: bus.connection, sql, windows };
  for (let round = 0; round < 5; round++) {
    for (const store of ["store_a", "store_b", "store_c"]) await enqueueMany(sql, store, 2);
    expect(await relayOnce(deps)).toBe(6);
  }
  expect(asked).toBe(0);
  expect(await inStream(bus)).toHaveLength(30);
});

test("several keepers share the work, fill no window twice, and go on when the one with the lease dies", async () => {
  const { sql, bus } = await setup();
  const keepers = [keep(sql, bus), keep(sql, bus), keep(sql, bus)];
  await until(() => keepers.some(one => one.windows.leading), { what: "a keeper with the lease" });
  await enqueueMany(sql, "store_a", 2_000);
  bus.poke();
  await until(async () => (await rows(sql)).free === 0, { what: "all others held" });
  await until(async () => (await inStream(bus)).length >= WINDOW, { what: "a full window" });
  expect((await inStream(bus)).length).toBeLessThanOrEqual(200);
  expect(keepers.filter(one => one.windows.leading)).toHaveLength(1);
  await keepers.find(one => one.windows.leading)!.stop();
  // As if it had been killed: its lease stands until it runs out.
  await sql`
    INSERT INTO bus.lease VALUES ('windows', 'dead', now() + interval '2 seconds')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until`;
  expect(await take(bus, 2_000)).toHaveLength(2_000);
  await untilEmpty(sql);
}, 60_000);

test("a keeper that is killed between publishing and committing loses nothing and repeats nothing", async () => {
  const { sql, bus } = await setup();
  await enqueueMany(sql, "store_a", 400);
  const windows = windowsOf(bus);
  windows.leading = true;
  const { connection } = bus;
  // Held, and a window published by a transaction that never commits.
  await sql`UPDATE bus.outbox SET held = true`;
  const ids = await sql<{ id: string }[]>`SELECT id FROM bus.outbox ORDER BY due_at, id LIMIT 100`;
  for (const { id } of ids)
    await connection.js.publish(`low.${noop.kind}.store_a`, "{}", { msgID: `${id}:1` });
  keep(sql, bus);
  expect(await take(bus, 400)).toHaveLength(400);
  await untilEmpty(sql);
  expect(await inStream(bus)).toEqual([]);
}, 60_000);

test("whatever comes and goes, no store has more in the stream than its window, and room is never refused for good", async () => {
  const kinds = fc.constantFrom("store_a", "store_b");
  const step = fc.oneof(
    fc.record({
      type: fc.constant("come" as const),
      storeId: kinds,
      count: fc.integer({ min: 1, max: 120 }),
    }),
    fc.record({
      type: fc.constant("done" as const),
      storeId: kinds,
      count: fc.integer({ min: 1, max: 200 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const stream = new Map<string, number>();
      const subjects = () =>
        Object.fromEntries([...stream].map(([store, count]) => [`low.${noop.kind}.${store}`, count]));
      const jsm = { streams: { info: async () => ({ state: { subjects: subjects() } }) } };
      const windows = new Windows({ connection: { jsm } as never });
      windows.leading = true;
      for (const { type, storeId, count } of steps) {
        const present = stream.get(storeId) ?? 0;
        if (type === "done") stream.set(storeId, Math.max(0, present - count));
        else {
          const slot = { kind: noop.kind, storeId };
          const places = await windows.enter(slot, count);
          windows.landed(slot, places);
          expect(present + places).toBeLessThanOrEqual(WINDOW);
          if (present + count <= WINDOW) expect(places).toBe(count);
          stream.set(storeId, present + places);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("when the stream can't be asked, no place of any store's window stays taken", async () => {
  const { sql, bus } = await setup();
  const windows = windowsOf(bus);
  windows.leading = true;
  const { connection } = bus;
  await enqueueMany(sql, "store_small", 5);
  await enqueueMany(sql, "store_large", 50);
  await connection.jsm.streams.delete(streamOf("low"));
  for (let round = 0; round < 3; round++)
    await expect(relayOnce({ connection, sql, windows })).rejects.toThrow();
  await ensureTopology(connection.jsm, { replicas: 1, capOf: contract => contract.cap });
  const slot = { kind: noop.kind, storeId: "store_small" };
  await windows.refresh([slot]);
  expect(windows.take(slot, 1_000)).toBe(WINDOW);
});

test("what is taken while the stream is asked counts in the window", async () => {
  const { bus } = await setup();
  const windows = windowsOf(bus);
  windows.leading = true;
  const slot = { kind: noop.kind, storeId: "store_a" };
  await windows.refresh([slot]);
  const asking = windows.refresh([slot]);
  const meanwhile = windows.take(slot, 100);
  await asking;
  expect(meanwhile + windows.take(slot, 1_000)).toBe(WINDOW);
});
