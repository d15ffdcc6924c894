/** Headers as we read them are those that the client would give. */
import { afterEach, expect, test } from "bun:test";
import { headers, type Msg } from "nats";
import { silentLog } from "../platform/log.ts";
import { freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { acks } from "./acks.ts";
import { openBus } from "./bus.ts";
import { headerReader } from "./headers.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [nats, db] = await Promise.all([freshNats(), freshDatabase()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql: db.sql });
  await bus.ready;
  closers.push(nats.release, db.drop, () => bus.close());
  const { nc } = bus.connection;
  const got: Msg[] = [];
  nc.subscribe("seen.>", { callback: (_, msg) => got.push(msg) });
  await nc.flush();
  return { nc, got };
}

test("where they are not shown as they came the client's object serves", () => {
  const head = headers();
  head.set("Tw-Job", "x");
  expect(headerReader({ headers: head })("Tw-Job")).toBe("x");
  expect(headerReader({})("Tw-Job")).toBe("");
});

test("many messages are acknowledged in one write, each at its own reply", async () => {
  const { nc, got } = await setup();
  const replies = Array.from({ length: 300 }, (_, i) => ({ reply: `seen.${i}` }) as Msg);
  acks.ackAll(nc, replies);
  acks.ackAll(nc, replies.slice(0, 1));
  await nc.flush();
  await until(async () => got.length === 301);
  expect(got.map(msg => msg.subject)).toEqual([...replies.map(one => one.reply!), "seen.0"]);
  expect(new Set(got.map(msg => msg.string()))).toEqual(new Set(["+ACK"]));
});
