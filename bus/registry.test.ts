import { afterEach, expect, setSystemTime, test } from "bun:test";
import { silentLog } from "../platform/log.ts";
import { freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { openBus } from "./bus.ts";
import type { WorkerBeat } from "./registry.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  setSystemTime();
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [nats, db] = await Promise.all([freshNats(), freshDatabase()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql: db.sql });
  await bus.ready;
  closers.push(nats.release, db.drop, () => bus.close());
  return bus;
}

const beatOf = (worker: string): WorkerBeat => ({
  worker,
  host: "here",
  pid: 1,
  priority: "low",
  busy: 0,
  rssMb: 50,
  cores: 0,
  since: "2026-01-01T00:00:00Z",
  draining: false,
  kinds: {},
});

test.each([-60_000, 60_000])("a worker lives for a reader whose clock is %p ms off", async offMs => {
  const { registry } = await setup();
  await registry.beat(beatOf("here:1:a"));
  setSystemTime(new Date(Date.now() + offMs));
  expect((await registry.live()).map(one => one.worker)).toEqual(["here:1:a"]);
});

test("who sends no heartbeat any more is gone, while others go on", async () => {
  const { registry } = await setup();
  await registry.beat(beatOf("here:1:gone"));
  const seen = await until(
    async () => {
      await registry.beat(beatOf("here:2:lives"));
      const living = (await registry.live()).map(one => one.worker);
      return living.length === 1 && living;
    },
    { what: "the end of the silent one" },
  );
  expect(seen).toEqual(["here:2:lives"]);
});
