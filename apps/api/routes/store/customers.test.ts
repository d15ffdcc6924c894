import { afterAll, beforeAll, expect, test } from "bun:test";
import { openShopFront, type ShopFront } from "./customers.fixture.ts";

let shop: ShopFront;
beforeAll(async () => {
  shop = await openShopFront();
});
afterAll(() => shop.close());

test("a customer registers, logs in, reads and changes what is known, and logs out", async () => {
  const email = shop.someone();
  const made = await shop.call("POST", "/store/customers", { json: { email, password: "correct horse", name: " Ada " } });
  expect(made).toMatchObject({ status: 201, body: { email, name: "Ada", phone: null } });
  expect(Object.keys(made.body).toSorted()).toEqual(["createdAt", "email", "id", "name", "phone", "updatedAt"]);
  expect(made.headers.get("location")).toBe("/store/customers/me");

  const session = await shop.call("POST", "/store/sessions", { json: { email: email.toUpperCase(), password: "correct horse" } });
  expect(session).toMatchObject({ status: 201, body: { customer: { id: made.body.id }, cart: null } });
  const cookie = session.headers.get("set-cookie")!;
  expect(cookie).toMatch(/^tradewind_session=sess_[0-9a-z]{32}; Path=\/store; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  expect(cookie).toContain(session.body.token);
  expect(new Date(session.body.expiresAt).getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000);

  const bearer = { authorization: `Bearer ${session.body.token}` };
  for (const headers of [bearer, { cookie: `other=1; ${cookie.split(";")[0]}` }]) {
    expect(await shop.call("GET", "/store/customers/me", { headers })).toMatchObject({ status: 200, body: made.body });
  }
  const changed = await shop.call("PATCH", "/store/customers/me", { json: { name: null, phone: "+351 1" }, headers: bearer });
  expect(changed).toMatchObject({ status: 200, body: { name: null, phone: "+351 1", email } });

  const out = await shop.call("DELETE", "/store/sessions/current", { headers: bearer });
  expect([out.status, out.headers.get("set-cookie")]).toEqual([204, expect.stringContaining("Max-Age=0")]);
  const after = await shop.call("GET", "/store/customers/me", { headers: bearer });
  expect(after).toMatchObject({ status: 401, body: { code: "not_logged_in" } });
  expect(after.headers.get("www-authenticate")).toBe('Bearer realm="store"');
});
