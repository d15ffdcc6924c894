/** What holds for all routes of the catalog: documented fields only, and no statements that grow with the rows. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { settle } from "../../../commerce/storefront/storefront.fixture.ts";
import { LOOKUP_SLACK } from "../../../platform/testing/index.ts";
import { documentedAnswers } from "../documented.fixture.ts";
import { type TestApi, testApi } from "../testing.ts";

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const keyOf = (path: string) => (path.startsWith("/store") ? api.keys.publishable : api.keys.secret);

async function call(method: string, path: string, json?: object) {
  const headers: Record<string, string> =
    method === "PATCH" || method === "DELETE" ? { "if-match": "*" } : {};
  const answer = await api.request(method, path, { key: keyOf(path), headers, ...(json ? { json } : {}) });
  return { status: answer.status, body: (await answer.json().catch(() => null)) as { id: string } };
}

const sized = (count: number, from = 0) => ({
  options: [{ name: "Size" }],
  variants: Array.from({ length: count }, (_, n) => ({
    sku: `V-${from + n}`,
    options: { Size: `${n}` },
    price: { amountMinor: 100 + n },
  })),
});

test("answers carry the fields that are documented, and no others", async () => {
  const faults = await documentedAnswers(api);
  const check = async (method: string, path: string, route: string, status: number, json?: object) => {
    const answer = await call(method, path, json);
    expect([method, route, answer.status]).toEqual([method, route, status]);
    expect([method, route, faults(method, route, status, answer.body)]).toEqual([method, route, []]);
    return answer.body.id;
  };
  const categories = "/admin/categories";
  const root = await check("POST", categories, categories, 201, { title: "Root" });
  await check("POST", categories, categories, 201, { title: "Leaf", parentId: root });
  const product = { title: "Thing", status: "active", tags: ["a"], categories: ["leaf"], ...sized(2, 100) };
  const withImage = { ...product, images: [{ src: "https://example.com/a.jpg", alt: "A" }] };
  const products = "/admin/products";
  const id = await check("POST", products, products, 201, withImage);
  const collections = "/admin/collections";
  const picked = await check("POST", collections, collections, 201, { title: "Picked", productIds: [id] });
  const rule = {
    match: "all",
    conditions: [
      { field: "price", max: 500 },
      { field: "tag", values: ["a"] },
    ],
  };
  await check("POST", collections, collections, 201, { title: "Ruled", rule });
  await settle(api.sql);

  await check("GET", products, products, 200);
  await check("GET", `${products}/${id}`, `${products}/{id}`, 200);
  await check("PATCH", `${products}/${id}`, `${products}/{id}`, 200, { title: "Thing 2" });
  await check("GET", categories, categories, 200);
  await check("GET", `${categories}/${root}`, `${categories}/{id}`, 200);
  await check("PATCH", `${categories}/${root}`, `${categories}/{id}`, 200, { position: 2 });
  await check("GET", collections, collections, 200);
  await check("GET", `${collections}/${picked}`, `${collections}/{id}`, 200);
  await check("PATCH", `${collections}/${picked}`, `${collections}/{id}`, 200, { description: "x" });
  await check("GET", "/admin/audit?limit=50", "/admin/audit", 200);
  await check("GET", "/store/products?collection=ruled", "/store/products", 200);
  await check("GET", `/store/products/${id}`, "/store/products/{idOrHandle}", 200);
  await check("GET", "/store/categories", "/store/categories", 200);
  await check("GET", "/store/collections", "/store/collections", 200);
});

test("no route asks Postgres more often for many rows than for few", async () => {
  const count = async (method: string, path: string, json?: object) => {
    let status = 0;
    const sent = await api.statements.during(async () => {
      status = (await call(method, path, json)).status;
    });
    expect(status).toBeLessThan(300);
    return sent.length;
  };
  await call("POST", "/admin/products", { title: "Warm" });
  const one = await count("POST", "/admin/products", { title: "One", status: "active", ...sized(1, 1_000) });
  const hundred = await count("POST", "/admin/products", {
    title: "Many",
    status: "active",
    ...sized(100, 2_000),
  });
  expect(Math.abs(hundred - one)).toBeLessThanOrEqual(LOOKUP_SLACK);
  const { body } = await call("POST", "/admin/products", {
    title: "Edited",
    status: "active",
    ...sized(60, 3_000),
  });
  const few = await count("PATCH", `/admin/products/${body.id}`, sized(2, 4_000));
  const many = await count("PATCH", `/admin/products/${body.id}`, sized(80, 5_000));
  // The first one removed variants, their prices and their stock, which is three statements more.
  expect(Math.abs(few - many)).toBeLessThanOrEqual(3 + LOOKUP_SLACK);
  for (let n = 0; n < 8; n++) {
    await call("POST", "/admin/products", { title: `P ${n}`, status: "active" });
    await call("POST", "/admin/categories", { title: `C ${n}` });
    await call("POST", "/admin/collections", { title: `L ${n}`, productIds: [body.id] });
  }
  await settle(api.sql);
  const lists = [
    "admin/products",
    "admin/categories",
    "admin/collections",
    "admin/audit",
    "store/products",
    "store/categories",
    "store/collections",
  ];
  for (const list of lists) {
    await call("GET", `/${list}?limit=2`);
    const small = await count("GET", `/${list}?limit=1`);
    const large = await count("GET", `/${list}?limit=8`);
    expect(Math.abs(large - small), list).toBeLessThanOrEqual(LOOKUP_SLACK);
  }
  // The page, and what the category's handle stands for.
  expect(await count("GET", "/store/products?limit=8&sort=price&category=c-1")).toBeLessThanOrEqual(
    2 + LOOKUP_SLACK,
  );
});
