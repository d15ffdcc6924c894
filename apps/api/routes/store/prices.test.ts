/** Price lists, taxes, shipping methods, currencies and prices over HTTP, with bad input. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { upsertProducts } from "../../../../commerce/catalog/index.ts";
import { setPrices } from "../../../../commerce/pricing/index.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { transaction } from "../../../../platform/postgres/index.ts";
import { type TestApi, type TestRequest, testApi } from "../../testing.ts";

// biome-ignore lint/suspicious/noExplicitAny: bodies of any route
type Json = any;

let api: TestApi;
let other: { publishable: string; secret: string; variant: string };
let variants: string[];
let products: string[];

beforeAll(async () => {
  api = await testApi();
  ({ variants, products } = await stock(api.store.id));
  const store = await createStore(api.sql, { name: "Other", currency: "EUR" });
  const key = async (kind: "publishable" | "secret") =>
    (await createKey(api.sql, { kind, storeId: store.id, name: kind })).key;
  const theirs = await stock(store.id);
  other = {
    publishable: await key("publishable"),
    secret: await key("secret"),
    variant: theirs.variants[0]!,
  };
});
afterAll(() => api.close());

/** An active product, 10.00 EUR, and a draft. */
function stock(storeId: string) {
  return transaction(api.sql, async tx => {
    const inputs = (["active", "draft"] as const).map((status, i) => ({
      ref: i,
      handle: `p-${i}`,
      title: `Product ${i}`,
      status,
      variants: [{ ref: i, optionValues: [], sku: `S${i}` }],
    }));
    const made = (await upsertProducts(tx, storeId, inputs)).variants.toSorted((a, b) => a.ref - b.ref);
    const prices = made.map(one => ({ ...one, amountMinor: 1_000, compareAtMinor: null }));
    await setPrices(tx, storeId, "EUR", prices);
    return { variants: made.map(one => one.variantId), products: made.map(one => one.productId) };
  });
}

async function call(method: string, path: string, options: TestRequest = {}) {
  const key = path.startsWith("/admin") ? api.keys.secret : api.keys.publishable;
  const response = await api.request(method, path, { key, ...options });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    etag: response.headers.get("etag") ?? "",
    body: JSON.parse(text || "null") as Json,
  };
}

const match = (etag: string) => ({ headers: { "if-match": etag } });
const pathsOf = (body: Json) => (body.errors ?? []).map((error: Json) => error.path);

/** The life that all of these have: made, read, listed, changed with If-Match, gone. */
const entities = [
  {
    path: "/admin/price-lists",
    make: { name: "Spring", type: "sale" },
    change: { name: "Summer", status: "active" },
    bad: [
      [{}, "name"],
      [{ name: "", type: "sale" }, "name"],
      [{ name: "  ", type: "sale" }, "name"],
      [{ name: "a\u202eb", type: "sale" }, "name"],
      [{ name: "n".repeat(256), type: "sale" }, "name"],
      [{ name: 1, type: "sale" }, "name"],
      [{ name: "x", type: "gift" }, "type"],
      [{ name: "x", type: "sale", currency: "eur" }, "currency"],
      [{ name: "x", type: "sale", currency: "JPY" }, "currency"],
      [{ name: "x", type: "sale", status: "live" }, "status"],
      [{ name: "x", type: "sale", segmentIds: ["a b"] }, "segmentIds.0"],
      [{ name: "x", type: "sale", startsAt: "tomorrow" }, "startsAt"],
      [{ name: "x", type: "sale", startsAt: "2030-02-31T00:00:00Z" }, "startsAt"],
      [
        { name: "x", type: "sale", startsAt: "2030-01-01T00:00:00Z", endsAt: "2029-01-01T00:00:00Z" },
        "endsAt",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "var_nothing", amountMinor: 1 }] },
        "entries.0.variantId",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$theirs", amountMinor: 1 }] },
        "entries.0.variantId",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$ours", amountMinor: -1 }] },
        "entries.0.amountMinor",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$ours", amountMinor: 1.5 }] },
        "entries.0.amountMinor",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$ours", amountMinor: "1" }] },
        "entries.0.amountMinor",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$ours", amountMinor: 1e300 }] },
        "entries.0.amountMinor",
      ],
      [
        { name: "x", type: "sale", entries: [{ variantId: "$ours", amountMinor: 1, minQuantity: 0 }] },
        "entries.0.minQuantity",
      ],
      [{ name: "x", type: "sale", price: 1 }, "price"],
    ],
  },
  {
    path: "/admin/tax-rates",
    make: { country: "PT", name: "IVA", ratePpm: 230_000 },
    change: { ratePpm: 220_000 },
    bad: [
      [{ country: "PT", name: "IVA" }, "ratePpm"],
      [{ country: "pt", name: "IVA", ratePpm: 1 }, "country"],
      [{ country: "PRT", name: "IVA", ratePpm: 1 }, "country"],
      [{ country: "PT", name: "IVA", ratePpm: -1 }, "ratePpm"],
      [{ country: "PT", name: "IVA", ratePpm: 1_000_001 }, "ratePpm"],
      [{ country: "PT", name: "IVA", ratePpm: 0.19 }, "ratePpm"],
      [{ country: "PT", name: "IVA", ratePpm: null }, "ratePpm"],
      [{ country: "PT", name: "IVA", ratePpm: "230000" }, "ratePpm"],
      [{ country: "PT", name: "IVA", ratePpm: 1, category: "luxury" }, "category"],
      [{ country: "PT", name: "IVA", ratePpm: 1, category: "zero" }, "ratePpm"],
      [{ country: "PT", region: "r".repeat(65), name: "IVA", ratePpm: 1 }, "region"],
      [{ country: "PT", name: "IVA", ratePpm: 1, storeId: "store_x" }, "storeId"],
    ],
  },
  {
    path: "/admin/shipping-methods",
    make: { name: "Post", amountMinor: 499, countries: ["PT", "ES"], freeOverMinor: 5_000 },
    change: { amountMinor: 399, freeOverMinor: null },
    bad: [
      [{ name: "Post" }, "amountMinor"],
      [{ amountMinor: 1 }, "name"],
      [{ name: "Post", amountMinor: -1 }, "amountMinor"],
      [{ name: "Post", amountMinor: "1" }, "amountMinor"],
      [{ name: "Post", amountMinor: 10_000_000_001 }, "amountMinor"],
      [{ name: "Post", amountMinor: 1, countries: ["Spain"] }, "countries.0"],
      [{ name: "Post", amountMinor: 1, countries: "PT" }, "countries"],
      [{ name: "Post", amountMinor: 1, freeOverMinor: -1 }, "freeOverMinor"],
      [{ name: "Post", amountMinor: 1, taxCategory: "none" }, "taxCategory"],
      [{ name: "Post", amountMinor: 1, currency: "JPY" }, "currency"],
      [{ name: "Po\u0000st", amountMinor: 1 }, "name"],
    ],
  },
] as const;

for (const { path, make, change, bad } of entities) {
  describe(path, () => {
    test("is made, read, listed, changed and deleted", async () => {
      const made = await call("POST", path, { json: make });
      expect(made).toMatchObject({ status: 201, body: make, etag: '"1"' });
      const one = `${path}/${made.body.id}`;
      expect(made.headers.get("location")).toBe(one);
      expect(await call("GET", one)).toMatchObject({ status: 200, body: made.body, etag: '"1"' });
      const list = await call("GET", `${path}?limit=100`);
      expect(list.body.items).toContainEqual(made.body);
      expect(await call("PATCH", one, { json: change })).toMatchObject({
        status: 428,
        body: { code: "precondition_required" },
      });
      const changed = await call("PATCH", one, { json: change, ...match(made.etag) });
      expect(changed).toMatchObject({ status: 200, body: { ...make, ...change, version: 2 }, etag: '"2"' });
      expect(await call("PATCH", one, { json: change, ...match(made.etag) })).toMatchObject({
        status: 412,
        body: { code: "stale", version: 2 },
      });
      expect((await call("DELETE", one)).status).toBe(428);
      expect((await call("DELETE", one, match(made.etag))).status).toBe(412);
      const foreign = { key: other.secret, ...match(changed.etag) };
      expect((await call("GET", one, foreign)).status).toBe(404);
      expect((await call("PATCH", one, { json: change, ...foreign })).status).toBe(404);
      expect((await call("DELETE", one, foreign)).status).toBe(404);
      expect((await call("DELETE", one, match(changed.etag))).status).toBe(204);
      expect((await call("GET", one)).status).toBe(404);
    });

    const ids = () => ({ $ours: variants[0]!, $theirs: other.variant });
    test.each(bad.map(([json, at]) => [at, JSON.stringify(json).slice(0, 90), json] as const))(
      "refuses %s in %s",
      async (at, _, json) => {
        const text = JSON.stringify(json).replace(/\$\w+/g, name => (ids() as Record<string, string>)[name]!);
        const headers = { "content-type": "application/json" };
        const refused = await call("POST", path, { body: text, headers });
        expect([refused.status, refused.body.code]).toEqual([422, "invalid"]);
        expect(pathsOf(refused.body)).toContain(at);
      },
    );

    test("refuses strange ids, pages and keys", async () => {
      for (const id of ["nonsense", "%00", "x".repeat(150), "prod_00000000000000000000000000"]) {
        expect((await call("GET", `${path}/${id}`)).status).toBe(404);
        expect((await call("PATCH", `${path}/${id}`, { json: change, ...match('"1"') })).status).toBe(404);
        expect((await call("DELETE", `${path}/${id}`, match("*"))).status).toBe(404);
      }
      for (const query of ["limit=0", "limit=101", "limit=x", "cursor=made-up", "more=1"]) {
        expect([query, (await call("GET", `${path}?${query}`)).status]).toEqual([query, 422]);
      }
      expect((await call("GET", path, { key: api.keys.publishable })).status).toBe(401);
      expect((await call("GET", path, { key: api.keys.ops })).status).toBe(403);
    });
  });
}

describe("entries of a price list", () => {
  test("are set and removed in bulk, with the list's ETag", async () => {
    const { body: list } = await call("POST", "/admin/price-lists", { json: entities[0].make });
    const path = `/admin/price-lists/${list.id}/entries`;
    const entry = { variantId: variants[0], amountMinor: 900 };
    expect((await call("POST", path, { json: { entries: [entry] } })).status).toBe(428);
    const set = await call("POST", path, { json: { entries: [entry] }, ...match('"1"') });
    expect(set).toMatchObject({ status: 200, etag: '"2"', body: { entryCount: 1 } });
    expect((await call("GET", path)).body).toEqual({
      items: [{ ...entry, productId: products[0], minQuantity: 1 }],
      nextCursor: null,
    });
    for (const json of [
      { entries: [entry, entry] },
      { entries: Array.from({ length: 1_001 }, () => entry) },
      { entries: [{ ...entry, variantId: other.variant }] },
      { remove: [{ variantId: "a b" }] },
      { entries: {} },
      { extra: 1 },
    ]) {
      expect((await call("POST", path, { json, ...match("*") })).status).toBe(422);
    }
    expect((await call("GET", `${path}?cursor=made-up`)).status).toBe(422);
    expect((await call("GET", path, { key: other.secret })).status).toBe(404);
    const json = { remove: [{ variantId: variants[0] }] };
    expect((await call("POST", path, { json, ...match('"2"') })).body.entryCount).toBe(0);
  });
});

describe("tax settings and categories", () => {
  test("are read and changed", async () => {
    const read = await call("GET", "/admin/tax-settings");
    expect(read).toMatchObject({ body: { pricesIncludeTax: false, defaultCountry: null }, etag: '"1"' });
    const json = { pricesIncludeTax: true, defaultCountry: "PT" };
    expect((await call("PATCH", "/admin/tax-settings", { json })).status).toBe(428);
    const changed = await call("PATCH", "/admin/tax-settings", { json, ...match(read.etag) });
    expect(changed).toMatchObject({ status: 200, body: json, etag: '"2"' });
    expect((await call("PATCH", "/admin/tax-settings", { json, ...match(read.etag) })).status).toBe(412);
    for (const bad of [{ pricesIncludeTax: "true" }, { defaultCountry: "Portugal" }, { rounding: "up" }]) {
      expect((await call("PATCH", "/admin/tax-settings", { json: bad, ...match("*") })).status).toBe(422);
    }
    const back = { pricesIncludeTax: false, defaultCountry: null };
    expect((await call("PATCH", "/admin/tax-settings", { json: back, ...match("*") })).body).toMatchObject(
      back,
    );
  });

  test("a place has one rate a category", async () => {
    const json = { country: "FR", region: "gp", name: "TVA", ratePpm: 85_000 };
    const first = await call("POST", "/admin/tax-rates", { json });
    expect(first).toMatchObject({ status: 201, body: { region: "GP", category: "standard" } });
    expect(await call("POST", "/admin/tax-rates", { json })).toMatchObject({
      status: 409,
      body: { code: "tax_rate_exists" },
    });
    expect((await call("POST", "/admin/tax-rates", { json: { ...json, category: "reduced" } })).status).toBe(
      201,
    );
    expect((await call("GET", "/admin/tax-rates?country=FR")).body.items).toHaveLength(2);
    expect((await call("POST", "/admin/tax-rates", { json, key: other.secret })).status).toBe(201);
  });

  test("a product has a category", async () => {
    const path = `/admin/products/${products[0]}/tax-category`;
    expect((await call("GET", path)).body).toEqual({ productId: products[0], category: "standard" });
    expect((await call("PUT", path, { json: { category: "reduced" } })).body.category).toBe("reduced");
    expect((await call("GET", path)).body.category).toBe("reduced");
    expect((await call("PUT", path, { json: { category: "none" } })).status).toBe(422);
    expect((await call("PUT", path, { json: { category: "zero" }, key: other.secret })).status).toBe(404);
    expect((await call("PUT", path, { json: { category: "standard" } })).status).toBe(200);
    expect((await call("GET", "/admin/products/prod_nothing/tax-category")).status).toBe(404);
  });
});

describe("currencies", () => {
  test("are enabled and disabled beside the store's own", async () => {
    expect((await call("GET", "/admin/currencies")).body.items).toEqual([
      { code: "EUR", exponent: 2, isDefault: true },
    ]);
    expect((await call("PUT", "/admin/currencies/KWD")).body.items).toContainEqual({
      code: "KWD",
      exponent: 3,
      isDefault: false,
    });
    expect((await call("POST", "/store/carts", { json: { currency: "KWD" } })).status).toBe(201);
    expect((await call("PUT", "/admin/currencies/ZZZ")).status).toBe(422);
    expect((await call("PUT", "/admin/currencies/kwd")).status).toBe(422);
    expect((await call("DELETE", "/admin/currencies/EUR")).status).toBe(409);
    expect((await call("DELETE", "/admin/currencies/KWD")).status).toBe(204);
    expect((await call("DELETE", "/admin/currencies/KWD")).status).toBe(404);
    expect((await call("POST", "/store/carts", { json: { currency: "KWD" } })).status).toBe(422);
  });
});

describe("POST /store/prices/resolve", () => {
  const resolve = (json: unknown, options: TestRequest = {}) =>
    call("POST", "/store/prices/resolve", { json, ...options });
  const item = () => ({ variantId: variants[0]!, quantity: 1 });

  test("tells the price and the rule, and segments count with a secret key only", async () => {
    const entries = [{ variantId: variants[0], amountMinor: 600 }];
    const json = { name: "VIP", type: "sale", status: "active", segmentIds: ["seg_vip"], entries };
    const { body: vip } = await call("POST", "/admin/price-lists", { json });
    const request = { currency: "EUR", items: [item()], segmentIds: ["seg_vip"] };
    const base = { ...item(), amountMinor: 1_000, compareAtMinor: null, source: "base" };
    const sale = { ...item(), amountMinor: 600, compareAtMinor: 1_000, source: `sale:${vip.id}` };
    expect(await resolve(request)).toMatchObject({ status: 200, body: { currency: "EUR", items: [base] } });
    expect((await resolve(request, { key: api.keys.secret })).body.items).toEqual([sale]);
    const both = { authorization: `Bearer ${api.keys.secret}` };
    expect((await resolve(request, { headers: both })).body.items).toEqual([sale]);
    const session = { authorization: "Bearer sess_00000000000000000000000000000000" };
    expect((await resolve(request, { headers: session })).body.items).toEqual([base]);
    await call("DELETE", `/admin/price-lists/${vip.id}`, match("*"));
  });

  test("wants a key that is good, and both of one store", async () => {
    const json = { items: [item()] };
    expect((await resolve(json, { key: "" })).status).toBe(401);
    expect((await resolve(json, { headers: { authorization: "Bearer sk_wrong" } })).status).toBe(401);
    expect((await resolve(json, { headers: { authorization: `Bearer ${other.secret}` } })).status).toBe(403);
    expect((await resolve(json, { key: api.keys.ops })).status).toBe(401);
  });

  test("names each fault by its path", async () => {
    const cases: [unknown, string][] = [
      [{}, "items"],
      [{ items: [] }, "items"],
      [{ items: Array.from({ length: 101 }, item) }, "items"],
      [{ items: [item(), { ...item(), quantity: 0 }] }, "items.1.quantity"],
      [{ items: [{ ...item(), quantity: "1" }] }, "items.0.quantity"],
      [{ items: [{ ...item(), quantity: 10_000 }] }, "items.0.quantity"],
      [{ items: [{ ...item(), quantity: null }] }, "items.0.quantity"],
      [{ items: [{ variantId: variants[0] }] }, "items.0.quantity"],
      [{ items: [item(), { ...item(), variantId: other.variant }] }, "items.1.variantId"],
      [{ items: [{ ...item(), variantId: variants[1] }] }, "items.0.variantId"],
      [{ items: [{ ...item(), variantId: "var_\u0000" }] }, "items.0.variantId"],
      [{ items: [{ ...item(), variantId: "ｖar_1" }] }, "items.0.variantId"],
      [{ items: [item()], currency: "GBP" }, "currency"],
      [{ items: [item()], currency: "ZZZ" }, "currency"],
      [{ items: [item()], currency: 978 }, "currency"],
      [{ items: [item()], segmentIds: "seg_vip" }, "segmentIds"],
      [{ items: [item()], at: "2030-01-01T00:00:00Z" }, "at"],
    ];
    for (const [json, path] of cases) {
      const refused = await resolve(json);
      expect([path, refused.status, pathsOf(refused.body).includes(path)]).toEqual([path, 422, true]);
    }
    expect(
      (await resolve({ items: [{ ...item(), variantId: variants[1] }] }, { key: api.keys.secret })).status,
    ).toBe(200);
  });
});

describe("GET /store/shipping-methods", () => {
  test("lists what is offered in a country, cheapest first, and a cart takes it", async () => {
    const make = (json: object) => call("POST", "/admin/shipping-methods", { json });
    const express = await make({ name: "Express", amountMinor: 1_500 });
    const post = await make({ name: "Post", amountMinor: 499, countries: ["PT"] });
    await make({ name: "Draft", amountMinor: 1, status: "draft" });
    const names = async (query: string) =>
      (await call("GET", `/store/shipping-methods${query}`)).body.items.map((one: Json) => one.name);
    expect(await names("?country=PT")).toEqual(["Post", "Express"]);
    expect(await names("?country=US")).toEqual(["Express"]);
    expect(await names("")).toEqual(["Post", "Express"]);
    expect(await names("?currency=JPY")).toEqual([]);
    for (const query of ["?country=pt", "?country=", "?currency=euro", "?x=1"]) {
      expect((await call("GET", `/store/shipping-methods${query}`)).status).toBe(422);
    }
    const { body: theirs } = await call("GET", "/store/shipping-methods", { key: other.publishable });
    expect(theirs.items).toEqual([]);

    const address = { name: "A", line1: "1", city: "c", postalCode: "p", country: "US" };
    const { body: cart } = await call("POST", "/store/carts", { json: { shippingAddress: address } });
    const change = (json: object) => call("PATCH", `/store/carts/${cart.id}`, { json });
    expect(await change({ shippingMethod: post.body.id })).toMatchObject({
      status: 422,
      body: { code: "shipping_method_not_offered", errors: [{ path: "shippingMethod" }] },
    });
    expect((await change({ shippingMethod: express.body.id })).body.shippingMethod).toBe(express.body.id);
    expect((await change({ note: "n".repeat(1_000) })).body.note).toHaveLength(1_000);
    for (const note of ["n".repeat(1_001), "a\u0000", 1]) expect((await change({ note })).status).toBe(422);
    expect((await change({ note: null, shippingMethod: null })).body).toMatchObject({
      note: null,
      shippingMethod: null,
    });
  });
});
