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

test("a message shows its bytes, and its headers are read from them as the client reads them", async () => {
  const { nc, got } = await setup();
  const head = headers();
  head.set("Tw-Job", "0199 1 1 1764470000000 order:%C3%A9t%C3%A9 u");
  head.set("traceparent", "00-1-2-01");
  head.append("Twice", "first");
  head.append("Twice", "second");
  head.set("Empty", "");
  nc.publish("seen.a", "Tw-Body: no header", { headers: head });
  nc.publish("seen.b", "Tw-Job: no header either");
  await until(async () => got.length === 2);

  const [told, bare] = got as [Msg, Msg];
  // The client has made no object of them: what follows is read from the bytes.
  const read = headerReader({ ...told, headers: undefined } as never);
  const names = ["Tw-Job", "traceparent", "Twice", "Empty", "tw-job", "Tw-Body", "Missing"];
  expect(names.map(read)).toEqual(names.map(name => told.headers!.get(name)));
  expect(read("Tw-Job")).toBe("0199 1 1 1764470000000 order:%C3%A9t%C3%A9 u");
  expect(headerReader(bare)("Tw-Job")).toBe("");
});

test("where bytes are not shown the client's object serves", () => {
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
