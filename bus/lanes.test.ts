/** Lanes: strict order, one batch at a time, also when the process that served one is gone. */
import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../platform/log.ts";
import { freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { openBus } from "./bus.ts";
import { type LaneMessage, laneMessage, laneStates, publishToLane, startLane } from "./lanes.ts";
import { FLASH_STREAM, LANE_BATCH, laneDurable } from "./topology.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [nats, db] = await Promise.all([freshNats(), freshDatabase()]);
  const open = async () => {
    const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql: db.sql });
    await bus.ready;
    return bus;
  };
  const bus = await open();
  closers.push(nats.release, db.drop, () => bus.close());
  const { connection } = bus;
  const publish = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) =>
        publishToLane(connection, 3, { id: `m${from + i}`, data: String(from + i) }),
      ),
    );
  const serve = (onBatch: (messages: readonly LaneMessage[]) => Promise<void>, on = connection) => {
    const lane = startLane({
      connection: on,
      lane: 3,
      log: silentLog,
      prepare: messages => () => onBatch(messages),
    });
    closers.push(() => lane.stop());
    return lane;
  };
  return { bus, open, connection, publish, serve };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("messages are served in the order of the stream, many at a time", async () => {
  const { publish, serve, connection } = await setup();
  await publish(0, 1_200);
  const seen: number[] = [];
  const sizes: number[] = [];
  serve(async messages => {
    sizes.push(messages.length);
    seen.push(...messages.map(one => Number(one.data)));
  });
  await until(() => seen.length === 1_200, { what: "all messages" });
  expect(seen).toEqual(numbers(0, 1_200));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(LANE_BATCH);
  expect(sizes.length).toBeLessThan(200);
  await until(async () => (await laneStates(connection))[3]!.waiting === 0, { what: "a settled lane" });
});

test("a batch that fails comes again before anything newer", async () => {
  const { publish, serve } = await setup();
  await publish(0, 20);
  const seen: number[] = [];
  let failed = false;
  serve(async messages => {
    if (!failed) {
      failed = true;
      await publish(20, 40);
      throw new Error("no");
    }
    seen.push(...messages.map(one => Number(one.data)));
  });
  await until(() => seen.length === 40, { what: "all messages", timeoutMs: 30_000 });
  expect(seen).toEqual(numbers(0, 40));
});

test("what a dead process was handed comes first to the next one", async () => {
  const { publish, serve, open } = await setup();
  await publish(0, 10);
  const dead = await open();
  let taken = 0;
  const hung = startLane({
    connection: dead.connection,
    lane: 3,
    log: silentLog,
    prepare: messages => () => {
      taken += messages.length;
      return new Promise(() => {});
    },
  });
  await until(() => taken > 0, { what: "a batch in hands" });
  // As a kill: the connection is gone, nothing was settled or given back.
  await dead.connection.nc.close();
  await publish(10, 30);
  const seen: number[] = [];
  serve(async messages => {
    seen.push(...messages.map(one => Number(one.data)));
  });
  await until(() => seen.length === 30, { what: "all messages", timeoutMs: 30_000 });
  expect(seen).toEqual(numbers(0, 30));
  void hung;
});

test("a message that is delivered again to who holds it is served once", async () => {
  const { publish, serve, connection } = await setup();
  const { nc } = connection;
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const seen: number[] = [];
  serve(async messages => {
    seen.push(...messages.map(one => Number(one.data)));
    begin();
    await done;
  });
  await publish(0, 1);
  await begun;
  // What is held is said to be worked on, from time to time; in its name it is given back, as an ack wait that runs out does.
  const again = Promise.withResolvers<void>();
  const [givenBack, heldAgain] = [new Set<string>(), new Set<string>()];
  nc.subscribe(`$JS.ACK.${FLASH_STREAM}.${laneDurable(3)}.>`, {
    callback: (_, msg) => {
      const [delivered, seq] = msg.subject.split(".").slice(4) as [string, string];
      if (msg.string() !== "+WPI") return;
      if (delivered !== "1") heldAgain.add(seq);
      else if (!givenBack.has(seq)) nc.publish(msg.subject, "-NAK");
      givenBack.add(seq);
      if (heldAgain.size === 5) again.resolve();
    },
  });
  await publish(1, 5);
  await again.promise;
  finish();
  await until(async () => (await laneStates(connection))[3]!.waiting === 0, { what: "a settled lane" });
  expect(seen).toEqual(numbers(0, 5));
});

test("a repeated id gives the sequence of the first, whose text can be read until it is settled", async () => {
  const { connection } = await setup();
  const first = await publishToLane(connection, 3, { id: "same", data: "first" });
  const again = await publishToLane(connection, 3, { id: "same", data: "second" });
  expect(again).toEqual({ seq: first.seq, duplicate: true });
  expect(await laneMessage(connection, first.seq)).toBe("first");
  expect(await laneMessage(connection, first.seq + 100)).toBeNull();
});
