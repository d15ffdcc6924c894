/** Flash mode under load: switched on and off by itself, and who is sent away. */
import { expect, test } from "bun:test";
import { openBus } from "../../../bus/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { until } from "../../../platform/testing/index.ts";
import { fillCart } from "../shop.fixture.ts";
import { accepted, bus, closers, door, hot, requestFor, shop, useStage } from "./flash.fixture.ts";
import { getFlash, openLoadWatch } from "./index.ts";

useStage();

test("load switches on what most wait for, for a while; an admin's switch stays", async () => {
  const at = door(1_000, bus, 3);
  const carts = await Promise.all(Array.from({ length: 6 }, () => fillCart(shop, [[0, 1]])));
  const ways = await Promise.all(carts.slice(0, 4).map(cart => at.accept(requestFor(cart.id))));
  expect(ways.every(way => "direct" in way)).toBe(true);
  const switched = () => getFlash(shop.sql, shop.store.id);
  await until(async () => (await switched()).variants.length === 1, { what: "the switch" });
  const [one] = (await switched()).switches;
  expect(one).toMatchObject({ variantId: shop.variants[0], by: "load" });
  expect(Date.parse(one!.until!)).toBeGreaterThan(Date.now());
  for (const way of ways) if ("direct" in way) way.done();
  await accepted(door().accept(requestFor(carts[4]!.id)));
  // Its time is over.
  await shop.sql`UPDATE checkout.flash_switch SET until = now()`;
  expect(await switched()).toMatchObject({ on: false, variants: [], switches: [] });
  expect(await door().accept(requestFor(carts[5]!.id))).toHaveProperty("direct");
  await hot();
  const busy = door(1_000, bus, 0);
  const again = openLoadWatch({ sql: shop.sql, log: silentLog, limit: 1 });
  for (const cart of carts.slice(0, 3)) again.begin(shop.store.id, cart.id);
  await accepted(busy.accept(requestFor(carts[5]!.id)));
  expect((await switched()).switches).toMatchObject([{ by: "admin", until: null }]);
});

test("a long queue keeps the switch of load on; load without a common variant switches the store", async () => {
  const carts = [
    ...(await Promise.all([0, 1].map(variant => fillCart(shop, [[variant, 1]])))),
    await fillCart(shop, []),
  ];
  const watch = openLoadWatch({ sql: shop.sql, log: silentLog, limit: 2 });
  for (const cart of carts) watch.begin(shop.store.id, cart.id);
  await until(async () => (await getFlash(shop.sql, shop.store.id)).on, { what: "the store's switch" });
  const end = async () => Date.parse((await getFlash(shop.sql, shop.store.id)).switches[0]!.until!);
  await shop.sql`UPDATE checkout.flash_switch SET until = now() + interval '20 seconds'`;
  const before = await end();
  watch.queued(shop.store.id, "", 1);
  watch.queued(shop.store.id, "", 2);
  await until(async () => (await end()) > before + 30_000, { what: "a later end" });
});

test("beyond the limit of a lane buyers are told to come again", async () => {
  await hot();
  const at = door(2);
  const carts = await Promise.all(Array.from({ length: 3 }, () => fillCart(shop, [[0, 1]])));
  await accepted(at.accept(requestFor(carts[0]!.id)));
  await accepted(at.accept(requestFor(carts[1]!.id)));
  const refused = await at.accept(requestFor(carts[2]!.id)).catch(error => error);
  expect(refused).toMatchObject({ status: 429, code: "queue_full" });
  expect(Number(refused.more.headers["retry-after"])).toBeGreaterThanOrEqual(1);
});

test("without NATS checkouts go the direct way, some at a time", async () => {
  await hot();
  const nowhere = openBus({ url: "nats://127.0.0.1:1", name: "test", log: silentLog, sql: shop.sql });
  closers.push(() => nowhere.close());
  const at = door(1_000, nowhere);
  const cart = await fillCart(shop, [[0, 1]]);
  const ways = await Promise.all(Array.from({ length: 64 }, () => at.accept(requestFor(cart.id))));
  expect(ways.every(way => "direct" in way)).toBe(true);
  expect(await at.accept(requestFor(cart.id)).catch(e => e.code)).toBe("queue_full");
  for (const way of ways) if ("direct" in way) way.done();
  expect(await at.accept(requestFor(cart.id))).toHaveProperty("direct");
});
