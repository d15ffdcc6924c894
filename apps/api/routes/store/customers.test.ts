import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { LOOKUP_SLACK } from "../../../../platform/testing/index.ts";
import { openShopFront, PASSWORD, type ShopFront } from "./customers.fixture.ts";

let shop: ShopFront;
let otherKey: string;
beforeAll(async () => {
  shop = await openShopFront();
  const other = await createStore(shop.sql, { name: "Other", currency: "EUR" });
  otherKey = (await createKey(shop.sql, { kind: "publishable", storeId: other.id, name: "other" })).key;
});
afterAll(() => shop.close());

test("a customer registers, logs in, reads and changes what is known, and logs out", async () => {
  const email = shop.someone();
  const made = await shop.call("POST", "/store/customers", {
    json: { email, password: PASSWORD, name: " Ada " },
  });
  expect(made).toMatchObject({ status: 201, body: { email, name: "Ada", phone: null } });
  expect(Object.keys(made.body).toSorted()).toEqual([
    "createdAt",
    "email",
    "id",
    "name",
    "phone",
    "updatedAt",
  ]);
  expect(made.headers.get("location")).toBe("/store/customers/me");

  const session = await shop.logIn({ email: email.toUpperCase() });
  expect(session).toMatchObject({ status: 201, body: { customer: { id: made.body.id }, cart: null } });
  const cookie = session.headers.get("set-cookie")!;
  expect(cookie).toMatch(
    /^tradewind_session=sess_[0-9a-z]{32}; Path=\/store; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
  );
  expect(cookie).toContain(session.body.token);
  expect(new Date(session.body.expiresAt).getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000);

  const bearer = { authorization: `Bearer ${session.body.token}` };
  for (const headers of [bearer, { cookie: `other=1; ${cookie.split(";")[0]}` }]) {
    expect(await shop.call("GET", "/store/customers/me", { headers })).toMatchObject({
      status: 200,
      body: made.body,
    });
  }
  const changed = await shop.call("PATCH", "/store/customers/me", {
    json: { name: null, phone: "+351 1" },
    headers: bearer,
  });
  expect(changed).toMatchObject({ status: 200, body: { name: null, phone: "+351 1", email } });

  const out = await shop.call("DELETE", "/store/sessions/current", { headers: bearer });
  expect([out.status, out.headers.get("set-cookie")]).toEqual([204, expect.stringContaining("Max-Age=0")]);
  const after = await shop.call("GET", "/store/customers/me", { headers: bearer });
  expect(after).toMatchObject({ status: 401, body: { code: "not_logged_in" } });
  expect(after.headers.get("www-authenticate")).toBe('Bearer realm="store"');
});

test("a new password ends the session that changed it, and the answer holds the next one", async () => {
  const { headers, email } = await shop.member();
  const json = { password: "an other password", currentPassword: PASSWORD };
  const changed = await shop.call("PATCH", "/store/customers/me", { json, headers });
  expect(changed).toMatchObject({ status: 200, body: { email } });
  expect(changed.headers.get("set-cookie")).toContain(changed.body.session.token);
  expect((await shop.call("GET", "/store/customers/me", { headers })).status).toBe(401);
  const next = { authorization: `Bearer ${changed.body.session.token}` };
  expect((await shop.call("GET", "/store/customers/me", { headers: next })).status).toBe(200);
});

test("without a session, or with another store's, the routes of customers are closed and the others open", async () => {
  const { headers } = await shop.member();
  const strangers: Record<string, string>[] = [
    {},
    { authorization: "Bearer sess_00000000000000000000000000000000" },
    { authorization: "Bearer nonsense" },
    { authorization: `Basic ${headers.authorization}` },
    { cookie: "tradewind_session=; tradewind_session=sess_short" },
  ];
  const tries = [...strangers.map(one => ({ headers: one })), { headers, key: otherKey }];
  for (const request of tries) {
    for (const [method, path, json] of [
      ["GET", "/store/customers/me"],
      ["GET", "/store/customers/me/orders"],
      ["PATCH", "/store/customers/me", {}],
      ["DELETE", "/store/sessions/current"],
    ] as const) {
      const refused = await shop.call(method, path, { ...request, ...(json ? { json } : {}) });
      expect(refused).toMatchObject({ status: 401, body: { code: "not_logged_in" } });
    }
    expect((await shop.call("POST", "/store/carts", request)).body.customerId).toBeNull();
  }
});

describe("a cookie", () => {
  const withCookie = async (headers: Record<string, string>, method = "POST", path = "/store/carts") => {
    const { token } = await shop.member();
    const cookie = `tradewind_session=${token}`;
    return shop.call(method, path, { headers: { host: "shop.example", cookie, ...headers } });
  };
  const site = (name: string) => ({ "sec-fetch-site": name });

  test("counts for the shop's own pages, and for what is no browser", async () => {
    const owns: Record<string, string>[] = [
      site("same-origin"),
      site("none"),
      { origin: "https://shop.example" },
      {},
    ];
    for (const own of owns) {
      expect((await withCookie(own)).body.customerId).toMatch(/^cus_/);
    }
  });

  test("does not count for what other sites cause, unless that only reads", async () => {
    for (const foreign of [
      site("cross-site"),
      site("same-site"),
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "https://shop.example.evil.example" },
      { ...site("cross-site"), origin: "https://shop.example" },
    ]) {
      const refused = await withCookie(foreign);
      expect(refused).toMatchObject({ status: 403, body: { code: "cross_site_request" } });
      expect((await withCookie(foreign, "GET", "/store/customers/me")).status).toBe(200);
    }
  });

  test("is marked Secure where the shop is reached by TLS", async () => {
    const { email } = await shop.register();
    const cookieOf = async (config: object, headers: Record<string, string>, peer?: string) => {
      const deps = peer ? { peerOf: () => peer } : {};
      const front = await openShopFront({ config, deps });
      const json = { email, password: PASSWORD };
      await front.call("POST", "/store/customers", { json });
      const response = await front.call("POST", "/store/sessions", { json, headers });
      await front.close();
      return response.headers.get("set-cookie")!;
    };
    const forwarded = { "x-forwarded-proto": "https" };
    expect(await cookieOf({ publicUrl: "https://shop.example" }, {})).toEndWith("; Secure");
    expect(await cookieOf({ trustedProxies: ["10.0.0.1"] }, forwarded, "10.0.0.1")).toEndWith("; Secure");
    expect(await cookieOf({ trustedProxies: ["10.0.0.1"] }, forwarded, "10.0.0.2")).not.toContain("Secure");
    expect(await cookieOf({}, forwarded, "10.0.0.1")).not.toContain("Secure");
  });
});

describe("bad input", () => {
  const long = "x".repeat(900_000);
  const ok = { email: "a@b.example", password: PASSWORD };
  const cases: [string, string, unknown, string][] = [
    ["POST", "/store/customers", {}, "email"],
    ["POST", "/store/customers", { email: "a@b.example" }, "password"],
    ["POST", "/store/customers", { ...ok, email: 5 }, "email"],
    ["POST", "/store/customers", { ...ok, email: ["a@b.example"] }, "email"],
    ["POST", "/store/customers", { ...ok, email: "nobody" }, "email"],
    ["POST", "/store/customers", { ...ok, email: `${long}@b.example` }, "email"],
    ["POST", "/store/customers", { ...ok, email: "a@b.example\u0000" }, "email"],
    ["POST", "/store/customers", { ...ok, email: "a@b.example\r\nx: y" }, "email"],
    ["POST", "/store/customers", { ...ok, email: "a\u200d@b.example" }, "email"],
    ["POST", "/store/customers", { ...ok, password: "short" }, "password"],
    ["POST", "/store/customers", { ...ok, password: "x".repeat(257) }, "password"],
    ["POST", "/store/customers", { ...ok, password: long }, "password"],
    ["POST", "/store/customers", { ...ok, password: -12345678 }, "password"],
    ["POST", "/store/customers", { ...ok, password: "nul \u0000 in it" }, "password"],
    ["POST", "/store/customers", { ...ok, name: "n".repeat(256) }, "name"],
    ["POST", "/store/customers", { ...ok, name: "a\u0007" }, "name"],
    ["POST", "/store/customers", { ...ok, phone: 351 }, "phone"],
    ["POST", "/store/customers", { ...ok, storeId: "store_other" }, "storeId"],
    ["POST", "/store/customers", { ...ok, id: "cus_1" }, "id"],
    ["POST", "/store/sessions", {}, "email"],
    ["POST", "/store/sessions", { ...ok, password: null }, "password"],
    ["POST", "/store/sessions", { ...ok, password: long }, "password"],
    ["POST", "/store/sessions", { ...ok, cartId: 7 }, "cartId"],
    ["POST", "/store/sessions", { ...ok, cartId: long }, "cartId"],
    ["POST", "/store/sessions", { ...ok, admin: true }, "admin"],
    ["POST", "/store/password-resets", {}, "email"],
    ["POST", "/store/password-resets", { email: { $ne: "" } }, "email"],
    [
      "POST",
      "/store/password-resets",
      { email: "a@b.example", resetUrl: "https://evil.example" },
      "resetUrl",
    ],
    ["PUT", "/store/password-resets/pwr_x", {}, "password"],
    ["PUT", "/store/password-resets/pwr_x", { password: "short" }, "password"],
    ["PUT", "/store/password-resets/pwr_x", { password: PASSWORD, email: "a@b.example" }, "email"],
    ["PATCH", "/store/customers/me", { name: 5 }, "name"],
    ["PATCH", "/store/customers/me", { email: "a@b.example" }, "currentPassword"],
    ["PATCH", "/store/customers/me", { email: null }, "email"],
    ["PATCH", "/store/customers/me", { password: PASSWORD, currentPassword: "wrong" }, "currentPassword"],
    ["PATCH", "/store/customers/me", { id: "cus_other" }, "id"],
    ["GET", "/store/customers/me/orders?limit=0", undefined, "limit"],
    ["GET", "/store/customers/me/orders?limit=101", undefined, "limit"],
    ["GET", "/store/customers/me/orders?limit=NaN", undefined, "limit"],
    ["GET", "/store/customers/me/orders?cursor=made-up", undefined, "cursor"],
    [
      "GET",
      `/store/customers/me/orders?cursor=${Buffer.from("ord_'; --").toString("base64url")}`,
      undefined,
      "cursor",
    ],
    ["GET", "/store/customers/me/orders?customerId=cus_other", undefined, "customerId"],
  ];
  test("is a 422 that names the field, and echoes nothing", async () => {
    const { headers } = await shop.member();
    for (const [method, path, json, field] of cases) {
      const refused = await shop.call(method, path, { headers, ...(json === undefined ? {} : { json }) });
      const said = {
        path,
        status: refused.status,
        fields: refused.body.errors?.map((one: { path: string }) => one.path),
      };
      expect(said).toEqual({ path, status: 422, fields: expect.arrayContaining([field]) });
      expect(refused.text.length).toBeLessThan(2_000);
      expect(refused.text).not.toContain(PASSWORD);
    }
  });

  test("malformed bodies and tokens are refused too", async () => {
    const headers = { "content-type": "application/json" };
    for (const path of ["/store/customers", "/store/sessions", "/store/password-resets"]) {
      expect((await shop.call("POST", path, { body: "{", headers })).status).toBe(400);
      expect((await shop.call("POST", path, { body: "[]", headers })).status).toBe(422);
      expect((await shop.call("POST", path, { body: "email=a@b.example" })).status).toBe(415);
      expect((await shop.call("POST", path)).status).toBe(422);
    }
    for (const token of ["x", "pwr_", `pwr_${"0".repeat(32)}`, "%00", "..%2f..", "x".repeat(150)]) {
      const refused = await shop.call("PUT", `/store/password-resets/${token}`, {
        json: { password: PASSWORD },
      });
      expect(refused).toMatchObject({ status: 404, body: { code: "reset_token_invalid" } });
    }
  });
});

test("what is unknown about a mail stays unknown", async () => {
  const { email } = await shop.register();
  const plain = ({ status, text, headers }: Awaited<ReturnType<ShopFront["call"]>>) => ({
    status,
    text: text.replace(/"traceId":"\w+"/, ""),
    headers: [...headers.keys()].toSorted(),
  });
  const ask = async (path: string, mail: string, more = {}) =>
    plain(await shop.call("POST", path, { json: { email: mail, ...more } }));
  const wrong = { password: "wrong password" };
  expect(await ask("/store/sessions", shop.someone(), wrong)).toEqual(
    await ask("/store/sessions", email, wrong),
  );
  const known = await ask("/store/password-resets", email);
  expect(known.status).toBe(202);
  expect(await ask("/store/password-resets", shop.someone())).toEqual(known);
  expect(await ask("/store/password-resets", "not even a mail")).toEqual(known);
});

test("no route of a customer asks Postgres more often for much than for little", async () => {
  const few = await shop.member();
  const many = await shop.member();
  const { sql, store } = shop;
  await sql`
    INSERT INTO carts.cart (store_id, id, currency, customer_id, status, order_id)
    SELECT ${store.id}, 'cart_' || n, 'EUR', CASE WHEN n = 1 THEN ${few.id} ELSE ${many.id} END, 'completed', 'ord_' || n
    FROM generate_series(1, 31) n`;
  await sql`
    INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, currency, status, subtotal_minor,
                              total_minor)
    SELECT ${store.id}, 'ord_' || n, 'N' || n, 'cart_' || n, 'res_' || n, 'pay_' || n, 'EUR', 'placed', 0, 0
    FROM generate_series(1, 31) n`;
  const count = async (path: string, headers: Record<string, string>) => {
    await shop.call("GET", path, { headers });
    return (await shop.api.statements.during(() => shop.call("GET", path, { headers }))).length;
  };
  for (const path of ["/store/customers/me", "/store/customers/me/orders?limit=100"]) {
    const apart = (await count(path, many.headers)) - (await count(path, few.headers));
    expect(Math.abs(apart), path).toBeLessThanOrEqual(LOOKUP_SLACK);
  }
  expect(await count("/store/customers/me", few.headers)).toBeLessThanOrEqual(1 + LOOKUP_SLACK);
  const list = await shop.call("GET", "/store/customers/me/orders?limit=100", { headers: many.headers });
  expect(list.body.items).toHaveLength(30);
});
