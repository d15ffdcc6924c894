import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AdminShop, type Answer, openAdminShop } from "../admin/shop.fixture.ts";

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([1_000], {
    nats: true,
    config: { saleCheckouts: 2, rateLimitFactor: 1_000, checkoutGroup: 1 },
  });
});
afterAll(() => shop.close());

const sale = (json: unknown, method = "PATCH") =>
  shop.api.request(method, "/ops/sale", { key: shop.api.keys.ops, ...(method === "PATCH" && { json }) });

async function cart(): Promise<string> {
  const { body } = await shop.call("POST", "/store/carts", { json: { email: "buyer@shop.example" } });
  const json = { variantId: shop.variants[0], quantity: 1 };
  await shop.call("POST", `/store/carts/${body.id}/lines`, { json });
  return body.id;
}

function checkout(cartId: string): Promise<Answer> {
  const json = { payment: { provider: "test", token: "ok" } };
  return shop.call("POST", `/store/carts/${cartId}/checkout`, {
    json,
    headers: { "idempotency-key": cartId },
  });
}

test("during a sale a node serves so many checkouts at once and tells the others to come again; nothing is lost", async () => {
  const carts = await Promise.all(Array.from({ length: 30 }, cart));
  expect(await (await sale({ on: true })).json()).toMatchObject({ on: true, since: expect.any(String) });
  const answers = await Promise.all(carts.map(checkout));
  const refused = answers.filter(({ status }) => status === 429);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 429]));
  for (const { body, headers } of refused) {
    expect(body.code).toBe("busy");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  // Their keys and carts are as good as new.
  const later = carts.filter((_, i) => answers[i]!.status === 429);
  for (const cartId of later) expect((await checkout(cartId)).status).toBe(201);

  expect(await (await sale({ on: false })).json()).toEqual({ on: false, since: null });
  const more = await Promise.all(Array.from({ length: 30 }, cart));
  expect((await Promise.all(more.map(checkout))).map(({ status }) => status)).toEqual(more.map(() => 201));
});

test("the sale is shown, and what can't be switched is refused with the field that is wrong", async () => {
  expect(await (await sale(null, "GET")).json()).toEqual({ on: false, since: null });
  for (const json of [{}, { on: "yes" }, { on: null }, { on: true, low: false }, [], "on"])
    expect((await sale(json)).status).toBe(422);
  const secret = await shop.api.request("PATCH", "/ops/sale", {
    key: shop.api.keys.secret,
    json: { on: true },
  });
  expect(secret.status).toBe(403);
});
