import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { upsertProducts } from "../../../../commerce/catalog/index.ts";
import { setPrices } from "../../../../commerce/pricing/index.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { transaction } from "../../../../platform/postgres/index.ts";
import { type TestApi, type TestRequest, testApi } from "../../testing.ts";

// biome-ignore lint/suspicious/noExplicitAny: bodies of any route
type Json = any;

let api: TestApi;
let other: { publishable: string; secret: string };
let variants: string[];

beforeAll(async () => {
  api = await testApi();
  variants = await stock(api.store.id, [50, 3]);
  const store = await createStore(api.sql, { name: "Other", currency: "EUR" });
  const key = async (kind: "publishable" | "secret") =>
    (await createKey(api.sql, { kind, storeId: store.id, name: kind })).key;
  other = { publishable: await key("publishable"), secret: await key("secret") };
});
afterAll(() => api.close());

function stock(storeId: string, onHand: number[]): Promise<string[]> {
  return transaction(api.sql, async tx => {
    const products = onHand.map((_, i) => ({
      ref: i,
      handle: `p-${i}`,
      title: `Product ${i}`,
      status: "active" as const,
      variants: [{ ref: i, optionValues: [], sku: `S${i}` }],
    }));
    const made = (await upsertProducts(tx, storeId, products)).variants.toSorted((a, b) => a.ref - b.ref);
    await setPrices(
      tx,
      storeId,
      "EUR",
      made.map(one => ({ ...one, amountMinor: 1_250, compareAtMinor: null })),
    );
    const rows = made.map((one, i) => ({ ...one, onHand: onHand[i]! }));
    await tx`SELECT inventory.set_initial(${storeId}, ${tx.json(rows as never)}, 'new', 'test')`;
    return made.map(one => one.variantId);
  });
}

async function call(method: string, path: string, options: TestRequest = {}) {
  const key = path.startsWith("/admin") ? api.keys.secret : api.keys.publishable;
  const response = await api.request(method, path, { key, ...options });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: JSON.parse(text || "null") as Json,
  };
}

async function cartWith(quantity: number, variant = 0): Promise<string> {
  const { body: cart } = await call("POST", "/store/carts");
  const json = { variantId: variants[variant], quantity };
  expect((await call("POST", `/store/carts/${cart.id}/lines`, { json })).status).toBe(200);
  return cart.id;
}

const payWith = (token: string) => ({ payment: { provider: "test", token } });

function checkout(cartId: string, key: string | null, token = "ok") {
  const headers: Record<string, string> = key === null ? {} : { "idempotency-key": key };
  return call("POST", `/store/carts/${cartId}/checkout`, { json: payWith(token), headers });
}

describe("carts over HTTP", () => {
  test("a cart is made, filled, changed and read", async () => {
    const made = await call("POST", "/store/carts", { json: { email: "a@b.example" } });
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe(`/store/carts/${made.body.id}`);
    const path = `/store/carts/${made.body.id}`;
    await call("POST", `${path}/lines`, { json: { variantId: variants[0], quantity: 2 } });
    const merged = await call("POST", `${path}/lines`, { json: { variantId: variants[0], quantity: 1 } });
    expect(merged.body.lines).toHaveLength(1);
    const line = merged.body.lines[0];
    expect(line).toMatchObject({
      quantity: 3,
      unitMinor: 1_250,
      totalMinor: 3_750,
      title: "Product 0",
      sku: "S0",
    });
    const set = await call("PATCH", `${path}/lines/${line.id}`, { json: { quantity: 5 } });
    expect(set.body).toMatchObject({
      subtotalMinor: 6_250,
      totalMinor: 6_250,
      email: "a@b.example",
      version: 4,
    });
    const address = { name: "Ada", line1: "1 Quay", city: "Porto", postalCode: "4000", country: "PT" };
    const patched = await call("PATCH", path, { json: { shippingAddress: address, email: null } });
    expect(patched.body).toMatchObject({ shippingAddress: address, email: null });
    expect((await call("DELETE", `${path}/lines/${line.id}`)).body).toMatchObject({
      lines: [],
      totalMinor: 0,
    });
    const read = await call("GET", path);
    expect(read.body).toMatchObject({ id: made.body.id, status: "open", couponCodes: [], adjustments: [] });
    const headers = { "if-none-match": read.headers.get("etag")! };
    expect((await call("GET", path, { headers })).status).toBe(304);
  });

  const badLines: [string, unknown, number][] = [
    ["a negative quantity", { quantity: -1 }, 422],
    ["no quantity", { quantity: 0 }, 422],
    ["a huge quantity", { quantity: 10_000 }, 422],
    ["a broken quantity", { quantity: 1.5 }, 422],
    ["a quantity in words", { quantity: "1" }, 422],
    ["NaN", { quantity: null }, 422],
    ["an unknown variant", { variantId: "var_00000000000000000000000000" }, 404],
    ["a variant id of 1 MB", { variantId: "v".repeat(1_000_000) }, 422],
    ["a variant id with a NUL", { variantId: "var_\u0000" }, 422],
    ["a price of one's own", { unitMinor: 1 }, 422],
  ];
  for (const [what, fields, status] of badLines) {
    test(`a line with ${what} is refused with ${status}`, async () => {
      const { body: cart } = await call("POST", "/store/carts");
      const json = { variantId: variants[0], quantity: 1, ...(fields as object) };
      const refused = await call("POST", `/store/carts/${cart.id}/lines`, { json });
      expect(refused.status).toBe(status);
      expect(refused.headers.get("content-type")).toContain("application/problem+json");
      expect(refused.text.length).toBeLessThan(2_000);
      expect((await call("GET", `/store/carts/${cart.id}`)).body.lines).toEqual([]);
    });
  }

  const badChanges: [string, unknown, string][] = [
    ["an unknown coupon", { couponCodes: ["SALE"] }, "unknown_coupon"],
    ["an unknown shipping method", { shippingMethod: "express" }, "unknown_shipping_method"],
    ["two addresses as one", { email: "a@b.example,c@d.example" }, "invalid"],
    ["a line break in the address", { email: "a@b.example\r\nBcc: x@y.example" }, "invalid"],
    ["a name of 1 MB", { shippingAddress: { name: "n".repeat(900_000) } }, "invalid"],
    ["an unknown field", { total: 1 }, "invalid"],
  ];
  for (const [what, json, code] of badChanges) {
    test(`a change with ${what} is refused`, async () => {
      const { body: cart } = await call("POST", "/store/carts");
      const refused = await call("PATCH", `/store/carts/${cart.id}`, { json });
      expect(refused).toMatchObject({ status: 422, body: { code } });
    });
  }

  test("half a surrogate pair in a name is taken as the replacement character", async () => {
    const { body: cart } = await call("POST", "/store/carts");
    const body = `{"shippingAddress":{"name":"A\\ud800","line1":"1","city":"c","postalCode":"p","country":"PT"}}`;
    const headers = { "content-type": "application/json" };
    const patched = await call("PATCH", `/store/carts/${cart.id}`, { body, headers });
    expect(patched).toMatchObject({ status: 200, body: { shippingAddress: { name: "A\ufffd" } } });
  });

  test("more than 9,999 of a variant don't fit in a line", async () => {
    const cart = await cartWith(9_999);
    const over = await call("POST", `/store/carts/${cart}/lines`, {
      json: { variantId: variants[0], quantity: 1 },
    });
    expect(over.status).toBe(422);
  });

  test("what is unknown, malformed or another store's is a 404", async () => {
    const cart = await cartWith(1);
    for (const id of ["cart_0000000000000000000000000000000x", "nonsense", "%00", "..%2f", "x".repeat(150)]) {
      expect((await call("GET", `/store/carts/${id}`)).status).toBe(404);
      expect((await call("GET", `/store/orders/${id}`)).status).toBe(404);
      expect((await checkout(id, "k")).status).toBe(404);
      expect((await call("DELETE", `/store/carts/${cart}/lines/${id}`)).status).toBe(404);
    }
    const key = other.publishable;
    expect((await call("GET", `/store/carts/${cart}`, { key })).status).toBe(404);
    const { body: foreign } = await call("POST", "/store/carts", { key });
    const json = { variantId: variants[0], quantity: 1 };
    expect((await call("POST", `/store/carts/${foreign.id}/lines`, { key, json })).status).toBe(404);
  });
});

describe("a checkout over HTTP", () => {
  test("gives 201 with the order and its place, and the same again to the same key", async () => {
    const cart = await cartWith(2);
    const first = await checkout(cart, "first");
    expect(first).toMatchObject({ status: 201, body: { status: "placed", totalMinor: 2_500 } });
    expect(first.headers.get("location")).toBe(`/store/orders/${first.body.id}`);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const again = await checkout(cart, "first");
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect((await call("GET", `/store/orders/${first.body.id}`)).text).toBe(first.text);
    expect(await checkout(cart, "second")).toMatchObject({
      status: 409,
      body: { code: "cart_completed", orderId: first.body.id },
    });
    const json = { variantId: variants[0], quantity: 1 };
    expect(await call("POST", `/store/carts/${cart}/lines`, { json })).toMatchObject({
      status: 409,
      body: { code: "cart_completed" },
    });
  });

  test("stored refusals are the same to the byte", async () => {
    for (const [cart, token, status, code] of [
      [await cartWith(1), "decline", 402, "payment_declined"],
      [await cartWith(4, 1), "ok", 409, "out_of_stock"],
    ] as const) {
      const first = await checkout(cart, cart, token);
      expect(first).toMatchObject({ status, body: { code, status } });
      expect(first.headers.get("content-type")).toContain("application/problem+json");
      const again = await checkout(cart, cart, token);
      expect([again.status, again.text]).toEqual([status, first.text]);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
    }
  });

  test("without a key, with a bad one, or with a strange payment is refused before anything happens", async () => {
    const cart = await cartWith(1);
    expect(await checkout(cart, null)).toMatchObject({
      status: 400,
      body: { code: "idempotency_key_missing" },
    });
    expect((await checkout(cart, "k".repeat(256))).status).toBe(400);
    const headers = { "idempotency-key": "x" };
    for (const json of [
      {},
      { payment: { provider: "cash", token: "ok" } },
      payWith("steal"),
      { ...payWith("ok"), total: 0 },
    ]) {
      expect((await call("POST", `/store/carts/${cart}/checkout`, { json, headers })).status).toBe(422);
    }
    expect((await call("POST", `/store/carts/${cart}/checkout`, { body: "{", headers })).status).toBeOneOf([
      400, 415,
    ]);
    expect((await checkout(cart, "x")).status).toBe(201);
    expect(await checkout(cart, "x", "decline")).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
  });

  test("whose payment is not answered is a 504 that tells to ask again", async () => {
    const cart = await cartWith(1);
    const lost = await checkout(cart, "lost", "timeout");
    expect(lost).toMatchObject({ status: 504, body: { code: "payment_unanswered" } });
    expect(lost.headers.get("retry-after")).toBe("2");
    await api.sql`UPDATE checkout.attempt SET lease_until = now() WHERE key = 'lost'`;
    expect((await checkout(cart, "lost", "timeout")).status).toBe(201);
  });
});

describe("the back office", () => {
  test("lists orders newest first, in pages that don't shift, of its own store only", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await checkout(await cartWith(1), crypto.randomUUID())).body.id);
    const page = await call("GET", "/admin/orders?limit=2&status=placed");
    expect(page.body.items.map((one: Json) => one.id)).toEqual(ids.slice(0, 2));
    await checkout(await cartWith(1), crypto.randomUUID());
    const next = await call("GET", `/admin/orders?limit=2&status=placed&cursor=${page.body.nextCursor}`);
    expect(next.body.items[0].id).toBe(ids[2]);
    expect((await call("GET", `/admin/orders/${ids[0]}`)).body.id).toBe(ids[0]);
    expect((await call("GET", `/admin/orders/${ids[0]}`, { key: other.secret })).status).toBe(404);
    expect((await call("GET", "/admin/orders", { key: other.secret })).body).toEqual({
      items: [],
      nextCursor: null,
    });
    for (const query of ["limit=0", "limit=101", "limit=x", "cursor=made-up", "status=lost", "more=1"]) {
      expect((await call("GET", `/admin/orders?${query}`)).status).toBe(422);
    }
  });

  test("adjusts stock, never under 0 nor under what is reserved", async () => {
    const adjust = (json: object, headers = {}) =>
      call("POST", "/admin/inventory/adjustments", { json, headers });
    const [variantId] = await stock(api.store.id, [50, 3]);
    const up = await adjust({ variantId, delta: 5, reason: "found" }, { "idempotency-key": "once" });
    expect(up).toMatchObject({ status: 200, body: { variantId } });
    expect(up.body.available).toBe(up.body.onHand - up.body.reserved);
    const again = await adjust({ variantId, delta: 5, reason: "found" }, { "idempotency-key": "once" });
    expect(again.body.onHand).toBe(up.body.onHand);
    const { onHand, reserved } = up.body;
    expect(reserved).toBeGreaterThan(0);
    expect(await adjust({ variantId, delta: reserved - onHand - 1, reason: "lost" })).toMatchObject({
      status: 409,
      body: { code: "insufficient_stock", level: { onHand, reserved } },
    });
    expect((await adjust({ variantId, delta: reserved - onHand, reason: "lost" })).body).toMatchObject({
      available: 0,
    });
    for (const json of [
      { variantId, delta: 0, reason: "x" },
      { variantId, delta: 1e300, reason: "x" },
      { variantId, delta: 0.5, reason: "x" },
      { variantId, delta: "5", reason: "x" },
      { variantId, delta: 1, reason: "" },
      { variantId, delta: 1, reason: "r".repeat(1_000_000) },
      { variantId, delta: 1, reason: "nul \u0000" },
      { variantId, delta: 1 },
    ]) {
      expect((await adjust(json)).status).toBe(422);
    }
    expect((await adjust({ variantId: "var_nothing00", delta: 1, reason: "x" })).status).toBe(404);
    expect((await adjust({ variantId, locationId: "loc_nothing", delta: 1, reason: "x" })).status).toBe(404);
    const json = { variantId, delta: 1, reason: "x" };
    expect((await call("POST", "/admin/inventory/adjustments", { json, key: other.secret })).status).toBe(
      404,
    );
    expect(
      (await call("POST", "/admin/inventory/adjustments", { json, key: api.keys.publishable })).status,
    ).toBe(401);
  });
});
