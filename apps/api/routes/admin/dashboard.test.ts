import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { fixedClock } from "../../../../platform/clock.ts";
import { onSale, openTill, type Till } from "../store/till.fixture.ts";

setDefaultTimeout(60_000);

/** Figures go by days, and another one may begin while this runs. */
const clock = fixedClock("2026-03-14T15:09:26Z");

let till: Till;
beforeAll(async () => {
  till = await openTill({ deps: { clock } });
});
afterAll(() => till.close());

// biome-ignore lint/suspicious/noExplicitAny: a body
type Json = any;
const figures = async (days: number, key = till.api.keys.secret) => {
  const answer = await till.api.request("GET", `/admin/dashboard?days=${days}`, { key });
  return { headers: answer.headers, status: answer.status, body: (await answer.json()) as Json };
};

test("a merchant sees what was sold by day, what sells best and what runs out", async () => {
  const { api, order } = till;
  const [mug, cup] = [await onSale(till, "Mug", 900, 10), await onSale(till, "Cup", 100, 10)];
  await api.request("PATCH", `/admin/inventory/${cup.variantId}`, {
    key: api.keys.secret,
    json: { lowThreshold: 9 },
    headers: { "if-match": "*" },
  });
  await order(mug.variantId, 3);
  await order(cup.variantId, 1);
  const cancelled = (await (await order(cup.variantId, 5)).json()) as { id: string };
  await api.request("POST", `/admin/orders/${cancelled.id}/cancel`, { key: api.keys.secret, json: {} });
  const before = (await (await order(cup.variantId, 1)).json()) as { id: string };
  await api.sql`UPDATE orders.order SET placed_at = ${clock.now()}`;
  await api.sql`UPDATE orders.order SET placed_at = placed_at - interval '2 days' WHERE id = ${before.id}`;
  // What happens next is shown when this is added up again.
  const { body } = await figures(7);
  expect([body.from, body.to]).toEqual(["2026-03-08", "2026-03-14"]);
  expect(body.sales).toHaveLength(1);
  const [sales] = body.sales;
  expect(sales).toMatchObject({ currency: "EUR", orders: 3, revenueMinor: 2_900 });
  expect(sales.days.map((one: Json) => one.day)).toHaveLength(7);
  expect(sales.days.at(-1)).toMatchObject({ day: body.to, orders: 2, revenueMinor: 2_800 });
  expect(sales.days.at(-3)).toMatchObject({ orders: 1, revenueMinor: 100 });
  expect(body.bestSellers).toEqual([
    { productId: mug.id, title: "Mug", units: 3 },
    { productId: cup.id, title: "Cup", units: 2 },
  ]);
  expect(body.lowStock).toMatchObject([{ variantId: cup.variantId, available: 8, lowThreshold: 9 }]);
  expect((await figures(2)).body.sales[0]).toMatchObject({ orders: 2, revenueMinor: 2_800 });
});

test("figures are given again, to their merchant alone, and say of when they are", async () => {
  const { api } = till;
  const first = await figures(30);
  expect(first.headers.get("x-cache")).toBe("MISS");
  const product = await onSale(till, "Jug", 500, 1);
  await till.order(product.variantId, 1);
  const again = await figures(30);
  expect([again.headers.get("x-cache"), again.body.asOf]).toEqual(["HIT", first.body.asOf]);
  expect(again.headers.get("cache-control")).toBe("private, no-cache");
  expect(again.headers.get("surrogate-key")).toBeNull();

  const store = await createStore(api.sql, { name: "Other", currency: "USD" });
  const { key } = await createKey(api.sql, { kind: "secret", storeId: store.id, name: "other" });
  const others = await figures(30, key);
  expect([others.headers.get("x-cache"), others.body.sales, others.body.lowStock]).toEqual(["MISS", [], []]);
  expect((await figures(30, api.keys.publishable)).status).toBe(401);
  expect((await figures(0)).status).toBe(422);
  expect((await figures(91)).status).toBe(422);
});
