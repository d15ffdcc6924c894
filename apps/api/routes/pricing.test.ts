/** What holds for the routes of prices, taxes, shipping and carts: documented fields only, statements that don't grow. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { LOOKUP_SLACK } from "../../../platform/testing/index.ts";
import { documentedAnswers } from "../documented.fixture.ts";
import { type TestApi, testApi } from "../testing.ts";

// biome-ignore lint/suspicious/noExplicitAny: bodies of any route
type Json = any;

let api: TestApi;
let variants: string[];
let productId: string;

beforeAll(async () => {
  api = await testApi();
  const { body } = await call("POST", "/admin/products", {
    title: "Thing",
    status: "active",
    options: [{ name: "Size" }],
    variants: Array.from({ length: 60 }, (_, n) => ({
      sku: `V-${n}`,
      options: { Size: `${n}` },
      price: { amountMinor: 100 + n },
    })),
  });
  productId = body.id;
  variants = body.variants.map((one: Json) => one.id);
});
afterAll(() => api.close());

async function call(method: string, path: string, json?: object) {
  const key = path.startsWith("/store") ? api.keys.publishable : api.keys.secret;
  const changes =
    path.startsWith("/admin") && (method === "PATCH" || method === "DELETE" || /entries$/.test(path));
  const headers: Record<string, string> = changes ? { "if-match": "*" } : {};
  const answer = await api.request(method, path, { key, headers, ...(json ? { json } : {}) });
  return { status: answer.status, body: (await answer.json().catch(() => null)) as Json };
}

test("answers carry the fields that are documented, and no others", async () => {
  const faults = await documentedAnswers(api);
  const check = async (method: string, path: string, route: string, status: number, json?: object) => {
    const answer = await call(method, path, json);
    expect([method, route, answer.status]).toEqual([method, route, status]);
    expect([method, route, faults(method, route, status, answer.body)]).toEqual([method, route, []]);
    return answer.body?.id;
  };
  const entry = { variantId: variants[0], amountMinor: 50, minQuantity: 2 };
  const lists = "/admin/price-lists";
  const sale = { name: "Sale", type: "sale", status: "active", endsAt: "2100-01-01T00:00:00Z" };
  const list = await check("POST", lists, lists, 201, { ...sale, entries: [entry] });
  await check("GET", lists, lists, 200);
  await check("GET", `${lists}/${list}`, `${lists}/{id}`, 200);
  await check("PATCH", `${lists}/${list}`, `${lists}/{id}`, 200, { name: "Sold" });
  await check("POST", `${lists}/${list}/entries`, `${lists}/{id}/entries`, 200, { entries: [entry] });
  await check("GET", `${lists}/${list}/entries`, `${lists}/{id}/entries`, 200);
  const rates = "/admin/tax-rates";
  const rate = await check("POST", rates, rates, 201, { country: "PT", name: "IVA", ratePpm: 230_000 });
  await check("GET", rates, rates, 200);
  await check("GET", `${rates}/${rate}`, `${rates}/{id}`, 200);
  await check("PATCH", `${rates}/${rate}`, `${rates}/{id}`, 200, { name: "VAT" });
  await check("GET", "/admin/tax-settings", "/admin/tax-settings", 200);
  await check("PATCH", "/admin/tax-settings", "/admin/tax-settings", 200, { defaultCountry: "PT" });
  const category = ["/admin/products/{id}/tax-category", 200] as const;
  await check("PUT", `/admin/products/${productId}/tax-category`, ...category, { category: "standard" });
  await check("GET", `/admin/products/${productId}/tax-category`, ...category);
  const methods = "/admin/shipping-methods";
  const method = await check("POST", methods, methods, 201, { name: "Post", amountMinor: 499 });
  await check("GET", methods, methods, 200);
  await check("GET", `${methods}/${method}`, `${methods}/{id}`, 200);
  await check("PATCH", `${methods}/${method}`, `${methods}/{id}`, 200, { freeOverMinor: 9_000 });
  await check("PUT", "/admin/currencies/USD", "/admin/currencies/{code}", 200);
  await check("GET", "/admin/currencies", "/admin/currencies", 200);
  await check("GET", "/store/shipping-methods?country=PT", "/store/shipping-methods", 200);
  const items = variants.slice(0, 5).map(variantId => ({ variantId, quantity: 2 }));
  await check("POST", "/store/prices/resolve", "/store/prices/resolve", 200, { items });

  const carts = "/store/carts";
  const cart = await check("POST", carts, carts, 201, { email: "a@b.example", note: "Ring" });
  await check("POST", `${carts}/${cart}/lines`, `${carts}/{id}/lines`, 200, items[0]);
  await check("PATCH", `${carts}/${cart}`, `${carts}/{id}`, 200, { shippingMethod: method });
  await check("GET", `${carts}/${cart}`, `${carts}/{id}`, 200);
});

test("no route asks Postgres more often for many rows than for few", async () => {
  const count = async (method: string, path: string, json?: object) => {
    const sent = await api.statements.during(async () => {
      expect((await call(method, path, json)).status).toBeLessThan(300);
    });
    return sent.length;
  };
  const items = (count: number) => variants.slice(0, count).map(variantId => ({ variantId, quantity: 1 }));
  const entries = (count: number, amountMinor: number) =>
    variants.slice(0, count).map(variantId => ({ variantId, amountMinor }));

  await call("POST", "/store/prices/resolve", { items: items(1) });
  expect(await count("POST", "/store/prices/resolve", { items: items(50) })).toBeLessThanOrEqual(
    1 + LOOKUP_SLACK,
  );

  const list = { name: "Sale", type: "sale", status: "active" };
  const few = await count("POST", "/admin/price-lists", { ...list, entries: entries(1, 1) });
  const many = await count("POST", "/admin/price-lists", { ...list, entries: entries(60, 2) });
  expect(Math.abs(many - few)).toBeLessThanOrEqual(LOOKUP_SLACK);
  const { body } = await call("POST", "/admin/price-lists", list);
  const path = `/admin/price-lists/${body.id}/entries`;
  const one = await count("POST", path, { entries: entries(1, 3) });
  const sixty = await count("POST", path, { entries: entries(60, 4) });
  expect(Math.abs(sixty - one)).toBeLessThanOrEqual(LOOKUP_SLACK);

  const { body: cart } = await call("POST", "/store/carts", {});
  const lines = `/store/carts/${cart.id}/lines`;
  const first = await count("POST", lines, items(1)[0]);
  for (const item of items(30).slice(1)) await call("POST", lines, item);
  expect(await count("POST", lines, items(31)[30])).toBeLessThanOrEqual(first + LOOKUP_SLACK);
  await call("GET", `/store/carts/${cart.id}`);
  expect(await count("GET", `/store/carts/${cart.id}`)).toBeLessThanOrEqual(3 + LOOKUP_SLACK);

  for (const path of ["price-lists", "tax-rates", "shipping-methods"]) {
    for (const country of ["ES", "FR", "IT", "PT", "NL"])
      await call("POST", "/admin/tax-rates", { country, name: "VAT", ratePpm: 1 });
    for (let n = 0; n < 5; n++)
      await call("POST", "/admin/shipping-methods", { name: `M ${n}`, amountMinor: 1 });
    const small = await count("GET", `/admin/${path}?limit=1`);
    const large = await count("GET", `/admin/${path}?limit=50`);
    expect(Math.abs(large - small), path).toBeLessThanOrEqual(LOOKUP_SLACK);
  }
});
