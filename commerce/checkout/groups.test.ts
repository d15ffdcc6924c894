/** Checkouts in groups: each gets what it would have got by itself. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId, newSecretId } from "../../platform/ids.ts";
import { openGroups } from "./groups.ts";
import type { BeginRequest, Begun } from "./model.ts";
import { buy, fillCart, levelOf, openShop, type Shop, statuses } from "./shop.fixture.ts";
import * as store from "./store.ts";

test("200 buyers at once in groups: stock is sold out exactly, everybody gets an answer of their own", async () => {
  const shop = await openShop([60, 150]);
  const groups = openGroups(shop.sql, { max: 50 });
  const carts = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      fillCart(
        shop,
        i % 2
          ? [[0, 1]]
          : [
              [1, 1],
              [0, 1],
            ],
      ),
    ),
  );
  const answers = await Promise.all(
    carts.map((cart, i) => buy(shop, cart.id, { token: i % 10 ? "ok" : "decline", deps: { groups } })),
  );
  const placed = answers.filter(one => one.status === 201);
  expect(new Set(placed.map(one => one.status === 201 && one.order.id)).size).toBe(placed.length);
  expect(placed.length).toBeLessThanOrEqual(60);
  expect(placed.length).toBeGreaterThanOrEqual(50);
  const level = await levelOf(shop);
  expect(level.reserved).toBe(placed.length);
  const found = await statuses(shop);
  expect(found.attempts!.every(status => status === "done")).toBe(true);
  expect(found.carts!.filter(status => status === "completed")).toHaveLength(placed.length);
  await shop.drop();
});

test("a request that Postgres refuses fails alone, and those beside it are served", async () => {
  const shop = await openShop([20]);
  const groups = openGroups(shop.sql);
  const carts = await Promise.all(Array.from({ length: 9 }, () => fillCart(shop, [[0, 1]])));
  const requests = carts.map((cart, i) => requestFor(shop, cart.id, i));
  // A character that no text of Postgres holds.
  requests[4]!.traceparent = "\u0000";
  const begun = await Promise.allSettled(requests.map(request => groups.begin(request)));
  expect(begun.map(one => one.status === "fulfilled" && one.value.outcome)).toEqual([
    ...Array(4).fill("started"),
    false,
    ...Array(4).fill("started"),
  ]);
  expect(await levelOf(shop)).toEqual({ onHand: 20, reserved: 8 });
  await shop.drop();
});

test("orders that are placed together are counted by one job, and each has its own mail and stock jobs", async () => {
  const shop = await openShop([20]);
  const groups = openGroups(shop.sql);
  const carts = await Promise.all(Array.from({ length: 5 }, () => fillCart(shop, [[0, 1]])));
  const requests = carts.map((cart, i) => ({ ...requestFor(shop, cart.id, i), traceparent: `trace ${i}` }));
  await Promise.all(requests.map(request => groups.begin(request)));
  const { id: storeId } = shop.store;
  const placed = await store.place(
    shop.sql,
    requests.map(({ key, orderId }) => ({ storeId, key, orderId })),
  );
  expect(placed.map(one => one.outcome)).toEqual(Array(5).fill("answered"));
  const rows = await shop.sql<{ kind: string; key: string; payload: unknown; traceparent: string }[]>`
    SELECT kind, key, payload, traceparent FROM bus.outbox WHERE kind <> 'catalog.restock'`;
  const ids = requests.map(request => request.orderId);
  for (const kind of ["catalog.count_sale", "email.send", "stock.commit"]) {
    const shared = rows.filter(row => row.kind === kind);
    const named = shared.flatMap(row => (row.payload as { orderIds: string[] }).orderIds);
    expect(shared).toHaveLength(1);
    expect(named.toSorted()).toEqual(ids.toSorted());
    expect(shared[0]!.key).toBe(`order:${named[0]}`);
    expect(shared[0]!.traceparent).toBe(`trace ${ids.indexOf(named[0]!)}`);
  }
  await shop.drop();
});

function requestFor(shop: Shop, cartId: string, i: number): BeginRequest {
  return {
    storeId: shop.store.id,
    key: `k${i}`,
    fingerprint: "f",
    cartId,
    orderId: newSecretId("ord"),
    reservationId: newId("res"),
    intentId: newId("pay"),
    provider: "test",
    traceparent: "",
    leaseMs: 10_000,
    holdMs: 60_000,
    changed: [],
  };
}

/** What an answer says, without the ids that differ. */
function plain(begun: Begun): unknown {
  if (begun.outcome !== "answered") return begun.outcome;
  return { status: begun.status, body: JSON.parse(begun.body) };
}

test("a group is served as if its requests had come one after the other", async () => {
  const wanted = fc.array(
    fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 5 })), {
      selector: ([variant]) => variant,
      minLength: 1,
      maxLength: 3,
    }),
    { minLength: 2, maxLength: 12 },
  );
  const units = fc.integer({ min: 0, max: 12 });
  const stock = fc.tuple(units, units, units);
  await fc.assert(
    fc.asyncProperty(stock, wanted, async (levels, carts) => {
      const [group, single] = await Promise.all([openShop(levels), openShop(levels)]);
      const requests = async (shop: Shop) => {
        const filled: BeginRequest[] = [];
        for (const [i, lines] of carts.entries()) {
          filled.push(requestFor(shop, (await fillCart(shop, lines)).id, i));
        }
        return filled;
      };
      const together = await store.begin(group.sql, await requests(group));
      const apart: Begun[] = [];
      for (const request of await requests(single)) apart.push(...(await store.begin(single.sql, [request])));
      // Ids sort differently in each shop, and so do the lines of a refusal.
      const named = (shop: Shop, all: Begun[]) =>
        all.map(one => {
          const text = JSON.stringify(plain(one));
          const told = JSON.parse(shop.variants.reduce((all, id, i) => all.replaceAll(id, `v${i}`), text));
          told.body?.lines.sort((x: { variantId: string }, y: { variantId: string }) =>
            x.variantId.localeCompare(y.variantId),
          );
          return told;
        });
      expect(named(group, together)).toEqual(named(single, apart));
      for (const variant of [0, 1, 2]) {
        expect(await levelOf(group, variant)).toEqual(await levelOf(single, variant));
      }
      await Promise.all([group.drop(), single.drop()]);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 60_000);
