/** Stock, locations and transfers over HTTP, with bad input. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LOOKUP_SLACK } from "../../../../platform/testing/index.ts";
import { type AdminShop, openAdminShop } from "./shop.fixture.ts";

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([50, 5]);
});
afterAll(() => shop.close());

const ghost = "loc_00000000000000000000000000";

async function location(name = "Depot") {
  const made = await shop.call("POST", "/admin/locations", { json: { name } });
  expect(made.status).toBe(201);
  return made;
}

async function main(): Promise<string> {
  const { body } = await shop.call("GET", "/admin/locations");
  return body.items.find((one: { isDefault: boolean }) => one.isDefault).id;
}

describe("locations", () => {
  test("are made, read, changed and deleted, each write naming the version it saw", async () => {
    const made = await location();
    const path = `/admin/locations/${made.body.id}`;
    expect(made.headers.get("location")).toBe(path);
    const read = await shop.call("GET", path);
    expect(read.body).toMatchObject({ name: "Depot", active: true, isDefault: false, version: 1 });
    const json = { name: "Cellar" };
    expect((await shop.call("PATCH", path, { json })).status).toBe(428);
    const headers = { "if-match": read.headers.get("etag")! };
    const changed = await shop.call("PATCH", path, { json, headers });
    expect(changed.body).toMatchObject({ name: "Cellar", version: 2 });
    expect(await shop.call("PATCH", path, { json, headers })).toMatchObject({
      status: 412,
      body: { code: "stale" },
    });
    expect((await shop.call("DELETE", path, { headers })).status).toBe(412);
    const now = { "if-match": changed.headers.get("etag")! };
    expect((await shop.call("DELETE", path, { headers: now })).status).toBe(204);
    expect((await shop.call("GET", path)).status).toBe(404);
  });

  test("of another store are not there", async () => {
    const { body } = await location();
    const [path, headers] = [`/admin/locations/${body.id}`, { "if-match": "*" }];
    for (const [method, json] of [["GET"], ["PATCH", { name: "mine" }], ["DELETE"]] as const) {
      expect((await shop.call(method, path, { json, headers, key: shop.other.secret })).status).toBe(404);
    }
  });

  const bad: [string, unknown, string][] = [
    ["no name", {}, "name"],
    ["an empty name", { name: "" }, "name"],
    ["a name of 1 MB", { name: "x".repeat(900_000) }, "name"],
    ["a name with a NUL", { name: "a\u0000" }, "name"],
    ["a name that is a number", { name: 7 }, "name"],
    ["a word for a flag", { name: "a", isDefault: "true" }, "isDefault"],
    ["a field of its own", { name: "a", storeId: "store_x" }, "storeId"],
  ];
  for (const [what, json, path] of bad) {
    test(`with ${what} are refused`, async () => {
      const answer = await shop.call("POST", "/admin/locations", { json });
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((one: { path: string }) => one.path)).toContain(path);
    });
  }
});

describe("stock", () => {
  test("is listed with what it is of, filtered and paged", async () => {
    const first = await shop.call("GET", "/admin/inventory?limit=1");
    const [a, b] = shop.variants.toSorted();
    const zero = { sku: "S0", title: "Product 0", onHand: 50, available: 50, incoming: 0 };
    const one = { sku: "S1", title: "Product 1", onHand: 5, available: 5, incoming: 0 };
    expect(first.body.items).toMatchObject([a === shop.variants[0] ? zero : one]);
    const next = await shop.call("GET", `/admin/inventory?limit=1&cursor=${first.body.nextCursor}`);
    expect(next.body.items[0].variantId).toBe(b);
    expect(next.body.nextCursor).toBeNull();
    const byProduct = await shop.call("GET", `/admin/inventory?productId=${first.body.items[0].productId}`);
    expect(byProduct.body.items).toHaveLength(1);
    expect((await shop.call("GET", "/admin/inventory", { key: shop.other.secret })).body.items).toEqual([]);
  });

  test("takes backorders and thresholds; what is low is listed, and the merchant can be told", async () => {
    const path = `/admin/inventory/${shop.variants[1]}`;
    const changed = await shop.call("PATCH", path, { json: { backorder: true, lowThreshold: 5 } });
    expect(changed.body.items).toMatchObject([{ backorder: true, lowThreshold: 5, low: true }]);
    const low = await shop.call("GET", "/admin/inventory?low=true");
    expect(low.body.items.map((one: { variantId: string }) => one.variantId)).toEqual([shop.variants[1]]);
    const cleared = await shop.call("PATCH", path, { json: { lowThreshold: null, backorder: false } });
    expect(cleared.body.items).toMatchObject([{ lowThreshold: null, low: false, backorder: false }]);
    expect(
      (await shop.call("PATCH", path, { json: { backorder: true }, key: shop.other.secret })).status,
    ).toBe(404);
    const put = await shop.call("PUT", "/admin/notifications", { json: { email: "m@shop.example" } });
    expect(put.body).toEqual({ email: "m@shop.example" });
    expect((await shop.call("GET", "/admin/notifications")).body).toEqual({ email: "m@shop.example" });
    expect((await shop.call("PUT", "/admin/notifications", { json: { email: "m@a\r\nb" } })).status).toBe(
      422,
    );
  });

  test("is adjusted once per key, kept in the ledger and in the audit log", async () => {
    const json = { variantId: shop.variants[0], delta: 3, reason: "found" };
    const headers = { "idempotency-key": "count-1" };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => shop.call("POST", "/admin/inventory/adjustments", { json, headers })),
    );
    expect(answers.map(one => [one.status, one.body.onHand])).toEqual(Array(4).fill([200, 53]));
    const ledger = await shop.call(
      "GET",
      `/admin/inventory/adjustments?variantId=${shop.variants[0]}&limit=1`,
    );
    expect(ledger.body.items).toMatchObject([{ delta: 3, reason: "found", key: "api:count-1" }]);
    const audit = await shop.call("GET", `/admin/audit?entity=stock_level&entityId=${shop.variants[0]}`);
    expect(audit.body.items.filter((one: { action: string }) => one.action === "adjust")).toHaveLength(1);
    const inactive = (await location("Closed")).body;
    await shop.call("PATCH", `/admin/locations/${inactive.id}`, {
      json: { active: false },
      headers: { "if-match": "*" },
    });
    const there = await shop.call("POST", "/admin/inventory/adjustments", {
      json: { ...json, locationId: inactive.id },
    });
    expect(there.body.code).toBe("location_inactive");
  });

  const badChanges: [string, unknown, number][] = [
    ["nothing", {}, 422],
    ["a threshold under 0", { lowThreshold: -1 }, 422],
    ["a broken threshold", { lowThreshold: 1.5 }, 422],
    ["a threshold in words", { lowThreshold: "3" }, 422],
    ["a huge threshold", { lowThreshold: 1e12 }, 422],
    ["a flag in words", { backorder: "yes" }, 422],
    ["an unknown location", { backorder: true, locationId: ghost }, 404],
    ["stock of its own", { onHand: 5 }, 422],
  ];
  for (const [what, json, status] of badChanges) {
    test(`is not changed by ${what}`, async () => {
      expect((await shop.call("PATCH", `/admin/inventory/${shop.variants[0]}`, { json })).status).toBe(
        status,
      );
    });
  }

  for (const query of [
    "limit=0",
    "limit=101",
    "limit=x",
    "cursor=bogus",
    "low=maybe",
    "variantId=%00",
    "what=1",
  ]) {
    test(`is not listed for ?${query}`, async () => {
      expect((await shop.call("GET", `/admin/inventory?${query}`)).status).toBe(422);
      expect((await shop.call("GET", `/admin/inventory/adjustments?${query}`)).status).toBe(422);
    });
  }
});

describe("transfers", () => {
  test("go from draft to received, and the stock with them", async () => {
    const [from, to] = [await main(), (await location("Shop")).body.id];
    const variantId = shop.variants[0]!;
    const lines = [{ variantId, quantity: 4 }];
    const made = await shop.call("POST", "/admin/transfers", {
      json: { fromLocationId: from, toLocationId: to, lines },
    });
    expect(made).toMatchObject({
      status: 201,
      body: { status: "draft", version: 1, lines: [{ quantity: 4 }] },
    });
    const path = `/admin/transfers/${made.body.id}`;
    const headers = { "if-match": made.headers.get("etag")! };
    const changed = await shop.call("PATCH", path, {
      json: { lines: [{ variantId, quantity: 2 }], note: "van" },
      headers,
    });
    expect(changed.body).toMatchObject({ note: "van", version: 2, lines: [{ quantity: 2 }] });
    expect((await shop.call("POST", `${path}/ship`, { headers })).status).toBe(412);
    expect((await shop.call("POST", `${path}/receive`)).body.code).toBe("transfer_state");
    expect((await shop.call("POST", `${path}/ship`)).body.status).toBe("in_transit");
    const level = async () => (await shop.call("GET", `/admin/inventory?locationId=${to}`)).body.items[0];
    expect(await level()).toMatchObject({ onHand: 0, incoming: 2, available: 0 });
    expect((await shop.call("POST", `${path}/receive`)).body.status).toBe("received");
    expect((await shop.call("POST", `${path}/receive`)).status).toBe(200);
    expect(await level()).toMatchObject({ onHand: 2, incoming: 0 });
    expect((await shop.call("POST", `${path}/cancel`)).body.code).toBe("transfer_state");
    const listed = await shop.call("GET", "/admin/transfers?status=received");
    expect(listed.body.items.map((one: { id: string }) => one.id)).toEqual([made.body.id]);
    for (const step of ["ship", "receive", "cancel"]) {
      expect((await shop.call("POST", `${path}/${step}`, { key: shop.other.secret })).status).toBe(404);
    }
  });

  test("of more than there is name the lines and change nothing", async () => {
    const [from, to] = [await main(), (await location("Far")).body.id];
    const lines = [{ variantId: shop.variants[1], quantity: 1_000 }];
    const { body } = await shop.call("POST", "/admin/transfers", {
      json: { fromLocationId: from, toLocationId: to, lines },
    });
    const refused = await shop.call("POST", `/admin/transfers/${body.id}/ship`);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "insufficient_stock", lines: [{ requested: 1_000, available: 5 }] },
    });
  });

  test("with bad input are refused with the path of the fault", async () => {
    const [from, to] = [await main(), (await location("Else")).body.id];
    const good = {
      fromLocationId: from,
      toLocationId: to,
      lines: [{ variantId: shop.variants[0], quantity: 1 }],
    };
    const line = (change: object) => ({ lines: [{ ...good.lines[0], ...change }] });
    const bad: [object, string][] = [
      [{ toLocationId: from }, "toLocationId"],
      [{ fromLocationId: ghost }, "fromLocationId"],
      [{ fromLocationId: 5 }, "fromLocationId"],
      [{ lines: [] }, "lines"],
      [{ lines: Array(201).fill(good.lines[0]) }, "lines"],
      [line({ quantity: 0 }), "lines.0.quantity"],
      [line({ quantity: -1 }), "lines.0.quantity"],
      [line({ quantity: 1.5 }), "lines.0.quantity"],
      [line({ quantity: "1" }), "lines.0.quantity"],
      [line({ quantity: null }), "lines.0.quantity"],
      [line({ quantity: 1e15 }), "lines.0.quantity"],
      [line({ variantId: "var_00000000000000000000000000" }), "lines.0.variantId"],
      [{ lines: [good.lines[0], good.lines[0]] }, "lines.1.variantId"],
      [{ note: "x".repeat(2_000) }, "note"],
      [{ status: "received" }, "status"],
    ];
    for (const [change, path] of bad) {
      const answer = await shop.call("POST", "/admin/transfers", { json: { ...good, ...change } });
      expect([answer.status, path]).toEqual([422, path]);
      expect(answer.body.errors.map((one: { path: string }) => one.path)).toContain(path);
    }
    expect((await shop.call("POST", "/admin/transfers/trf_bogus/ship")).status).toBe(404);
    expect((await shop.call("GET", `/admin/transfers/${"x".repeat(300)}`)).status).toBe(422);
  });
});

test("no list asks Postgres more often for many rows than for few", async () => {
  const count = async (path: string) =>
    (await shop.api.statements.during(() => shop.call("GET", path))).length;
  for (let n = 0; n < 2 + LOOKUP_SLACK; n++) await shop.order([[0, 1]]);
  for (const path of ["inventory", "inventory/adjustments", "locations", "transfers", "orders"]) {
    await count(`/admin/${path}`);
    const few = await count(`/admin/${path}?limit=1`);
    const many = await count(`/admin/${path}?limit=100`);
    expect(Math.abs(many - few), path).toBeLessThanOrEqual(LOOKUP_SLACK);
  }
});
