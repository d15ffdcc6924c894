import { afterEach, describe, expect, test } from "bun:test";
import { createMetrics } from "../../../platform/metrics.ts";
import { createApp } from "../app.ts";
import { openShopFront, type ShopFront } from "../routes/store/customers.fixture.ts";
import type { TestApiOptions } from "../testing.ts";
import { limits } from "./rate-limit.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function setup(options: TestApiOptions = {}): Promise<ShopFront> {
  const config = { rateLimitFactor: 1, ...options.config };
  const shop = await openShopFront({
    ...options,
    config,
    deps: { peerOf: () => "203.0.113.9", ...options.deps },
  });
  closers.push(shop.close);
  return shop;
}

const wrong = (email: string) => ({ json: { email, password: "wrong password" } });

describe("a limited route", () => {
  test("tells its limits, what is left of them, and refuses when they are used up", async () => {
    const shop = await setup();
    const email = shop.someone();
    const first = await shop.call("POST", "/store/sessions", wrong(email));
    expect(first.status).toBe(401);
    expect(first.headers.get("ratelimit-policy")).toBe('"login";q=60;w=60, "login-account";q=10;w=300');
    expect(first.headers.get("ratelimit")).toBe('"login";r=59;t=1, "login-account";r=9;t=30');
    for (let i = 1; i < limits.login.account.quota; i++) {
      expect((await shop.call("POST", "/store/sessions", wrong(email.toUpperCase()))).status).toBe(401);
    }
    const refused = await shop.call("POST", "/store/sessions", wrong(email));
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", status: 429 } });
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 31);
    expect(refused.headers.get("ratelimit")).toMatch(/^"login";r=\d+;t=\d+, "login-account";r=0;t=\d+$/);
    // Another account from the same address still may.
    expect((await shop.call("POST", "/store/sessions", wrong(shop.someone()))).status).toBe(401);
  });

  test("counts an address whatever accounts it tries, and other addresses by themselves", async () => {
    let peer = "203.0.113.20";
    const shop = await setup({ deps: { peerOf: () => peer } });
    const ask = () => shop.call("POST", "/store/password-resets", { json: { email: shop.someone() } });
    const statuses = [];
    for (let i = 0; i < limits.password_reset.address.quota + 8; i++) statuses.push((await ask()).status);
    expect(statuses.filter(status => status === 202).length).toBeWithin(
      limits.password_reset.address.quota,
      limits.password_reset.address.quota + 2,
    );
    expect(statuses.at(-1)).toBe(429);
    peer = "203.0.113.21";
    expect((await ask()).status).toBe(202);
  });

  test("believes X-Forwarded-For of trusted proxies only", async () => {
    const shop = await setup({
      config: { trustedProxies: ["10.0.0.0/8"] },
      deps: { peerOf: () => "10.0.0.1" },
    });
    const left = async (client: string) => {
      const headers = { "x-forwarded-for": client };
      const { headers: sent } = await shop.call("POST", "/store/sessions", {
        ...wrong(shop.someone()),
        headers,
      });
      return Number(/"login";r=(\d+)/.exec(sent.get("ratelimit")!)![1]);
    };
    // At the same moment: a limit of sixty a minute gives one back each second.
    const both = await Promise.all([left("198.51.100.1"), left("198.51.100.1")]);
    expect(both.toSorted()).toEqual([58, 59]);
    const others = await Promise.all([left("198.51.100.2"), left("9.9.9.9, 198.51.100.2")]);
    expect(others.toSorted()).toEqual([58, 59]);

    const open = await setup({ deps: { peerOf: () => "198.51.100.50" } });
    const headers = (client: string) => ({ "x-forwarded-for": client });
    const policy = async (client: string) =>
      (
        await open.call("POST", "/store/sessions", { ...wrong(open.someone()), headers: headers(client) })
      ).headers.get("ratelimit")!;
    const [first, second] = (await Promise.all([policy("1.1.1.1"), policy("2.2.2.2")])).toSorted();
    expect(first).toContain('"login";r=58');
    expect(second).toContain('"login";r=59');
  });

  test("is a route of registration, search and checkout too, with its quota multiplied by the setting", async () => {
    const shop = await setup({ config: { rateLimitFactor: 3 } });
    const policy = async (method: string, path: string, request = {}) =>
      (await shop.call(method, path, request)).headers.get("ratelimit-policy");
    const json = { email: shop.someone(), password: "a good password" };
    expect(await policy("POST", "/store/customers", { json })).toBe(
      '"registration";q=90;w=60, "registration-account";q=30;w=600',
    );
    expect(await policy("GET", "/store/search?q=x")).toBe('"search";q=3600;w=60');
    const { headers } = await shop.member();
    expect(await policy("GET", "/store/search?q=x", { headers })).toContain('"search-account";q=1800;w=60');
    const payment = { payment: { provider: "test", token: "ok" } };
    const checkout = { json: payment, headers: { "idempotency-key": "k" } };
    expect(await policy("POST", "/store/carts/cart_00000000/checkout", checkout)).toBe(
      '"checkout";q=9000;w=60, "checkout-account";q=180;w=60',
    );
  });

  test("counts a cart's checkouts and a customer's searches", async () => {
    const shop = await setup();
    const { body: cart } = await shop.call("POST", "/store/carts");
    const json = { payment: { provider: "test", token: "ok" } };
    const headers = { "idempotency-key": "k" };
    const statuses = new Map<number, number>();
    for (let i = 0; i < limits.checkout.account.quota + 5; i++) {
      const { status } = await shop.call("POST", `/store/carts/${cart.id}/checkout`, { json, headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(statuses.get(429)).toBeWithin(1, 6);
  });
});

describe("two nodes", () => {
  const both = async (shop: ShopFront, config: object) => {
    const deps = {
      ...shop.api.deps,
      metrics: createMetrics("second"),
      config: { ...shop.api.deps.config, ...config },
    };
    const second = createApp(deps);
    return (node: number, email: string) => {
      const headers = { "content-type": "application/json", "x-publishable-key": shop.api.keys.publishable };
      const body = JSON.stringify({ email, password: "wrong password" });
      const request = new Request("http://localhost/store/sessions", { method: "POST", headers, body });
      return (node === 0 ? shop.api.app : second).handle(request);
    };
  };
  const tries = limits.login.account.quota;

  test("share one limit through Redis", async () => {
    const shop = await setup();
    const ask = await both(shop, {});
    const email = shop.someone();
    const answers = await Promise.all(Array.from({ length: 2 * tries }, (_, i) => ask(i % 2, email)));
    expect(answers.filter(one => one.status === 401)).toHaveLength(tries);
    expect(answers.filter(one => one.status === 429)).toHaveLength(tries);
  });

  test("go on with a limit each while Redis is away", async () => {
    const gone = { redisUrl: "http://127.0.0.1:1", redisTimeoutMs: 100 };
    const shop = await setup({ config: gone });
    const ask = await both(shop, gone);
    const email = shop.someone();
    const answers = await Promise.all(Array.from({ length: 4 * tries }, (_, i) => ask(i % 2, email)));
    expect(answers.filter(one => one.status === 401)).toHaveLength(2 * tries);
    expect(answers.filter(one => one.status === 429)).toHaveLength(2 * tries);
    expect(answers[0]!.headers.get("ratelimit")).toContain('"login-account";r=');
  });
});
