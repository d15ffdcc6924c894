import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  createKey,
  createStore,
  revokeKey,
  sweepConsoleSessions,
} from "../../../../commerce/stores/index.ts";
import { until } from "../../../../platform/testing/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ config: { rateLimitFactor: 1_000 } });
});
afterAll(() => api.close());

type Headers = Record<string, string>;
const own = { "sec-fetch-site": "same-origin", "x-tradewind-console": "1" };

async function ask(method: string, path: string, request: { json?: unknown; headers?: Headers } = {}) {
  const response = await api.request(method, path, request);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith("{") ? JSON.parse(text) : text,
  };
}

async function enter(key: string, more: { role?: string; cookie?: string } = {}) {
  const headers = { ...own, ...(more.cookie ? { cookie: more.cookie } : {}) };
  const json = { key, ...(more.role ? { role: more.role } : {}) };
  const answer = await ask("POST", "/console/session", { json, headers });
  const set = answer.headers.get("set-cookie") ?? "";
  return { ...answer, set, cookie: set.split(";")[0]! };
}

const get = (path: string, cookie: string, headers: Headers = {}) =>
  ask("GET", path, { headers: { cookie, "sec-fetch-site": "same-origin", ...headers } });

async function keyOf(kind: "secret" | "ops", role: "view" | "operate" = "operate") {
  return createKey(api.sql, { kind, role, storeId: kind === "ops" ? null : api.store.id, name: "ada" });
}

describe("entering", () => {
  test("with an ops key opens operator routes, and no store's", async () => {
    const { status, body, set, cookie } = await enter(api.keys.ops);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ops: { role: "operate" }, store: null });
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="]) expect(set).toContain(part);
    expect(JSON.stringify(body) + set).not.toContain(api.keys.ops);
    expect((await get("/ops/status", cookie)).status).toBe(200);
    expect((await get("/admin/products", cookie)).body).toMatchObject({ status: 403, code: "forbidden" });
    expect((await get("/console/session", cookie)).body).toEqual(body);
  });

  test("with a secret key opens that store, and no operator's routes; a second key is added", async () => {
    const first = await enter(api.keys.secret);
    expect(first.body).toMatchObject({
      ops: null,
      store: { storeId: api.store.id, storeName: "Test store" },
    });
    expect((await get("/admin/products", first.cookie)).status).toBe(200);
    expect((await get("/ops/status", first.cookie)).status).toBe(403);
    const both = await enter(api.keys.ops, { cookie: first.cookie });
    expect(both.body).toMatchObject({ ops: {}, store: { storeId: api.store.id } });
    expect((await get("/admin/products", both.cookie)).status).toBe(200);
    expect((await get("/ops/status", both.cookie)).status).toBe(200);
    // The token before the log-in is worth nothing afterwards: nobody can plant one.
    expect((await get("/console/session", first.cookie)).status).toBe(401);
  });

  test("with another store's key takes the first one's place", async () => {
    const other = await createStore(api.sql, { name: "Other", currency: "SEK" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: other.id, name: "other" });
    const { cookie } = await enter(api.keys.secret);
    expect((await enter(key, { cookie })).body.store).toMatchObject({ storeId: other.id, currency: "SEK" });
  });

  test.each([
    ["an unknown key", "op_00000000000000000000000000000000", 401, "invalid_key"],
    ["rubbish", "hello", 401, "invalid_key"],
    ["U+0000", "op_\u0000", 401, "invalid_key"],
    ["nothing", "", 422, "invalid"],
    ["a book", "x".repeat(201), 422, "invalid"],
  ])("with %s is refused", async (_, key, status, code) => {
    const answer = await enter(key);
    expect([answer.status, answer.body.code, answer.set]).toEqual([status, code, ""]);
  });

  test("with a publishable or revoked key, an unknown role or field is refused", async () => {
    expect((await enter(api.keys.publishable)).body).toMatchObject({ status: 403, code: "forbidden" });
    const { id, key } = await keyOf("ops");
    await revokeKey(api.sql, id);
    expect((await enter(key)).status).toBe(401);
    expect((await enter(api.keys.ops, { role: "root" })).status).toBe(422);
    const json = { key: api.keys.ops, admin: true };
    expect((await ask("POST", "/console/session", { json, headers: own })).status).toBe(422);
  });

  test("from another site is refused", async () => {
    const json = { key: api.keys.ops };
    for (const headers of [
      { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
      { origin: "https://evil.example" },
      { "sec-fetch-site": "same-site", origin: "http://other.localhost" },
    ] as Headers[]) {
      const answer = await ask("POST", "/console/session", { json, headers });
      expect([answer.status, answer.body.code]).toEqual([403, "cross_site_request"]);
    }
  });
});

describe("a session", () => {
  const json = { processes: 2 };
  const change = (cookie: string, headers: Headers) =>
    ask("PATCH", "/ops/pools/high", { json, headers: { cookie, ...headers } });

  test("changes nothing unless our own page asks, and says so with its header", async () => {
    const { cookie } = await enter(api.keys.ops);
    const code = async (headers: Headers) => {
      const { status, body } = await change(cookie, headers);
      return status === 403 ? body.code : status;
    };
    expect(await code({ "sec-fetch-site": "same-origin" })).toBe("unmarked_request");
    expect(await code({})).toBe("unmarked_request");
    expect(await code({ ...own, "sec-fetch-site": "cross-site" })).toBe("cross_site_request");
    expect(await code({ "x-tradewind-console": "1", origin: "https://evil.example" })).toBe(
      "cross_site_request",
    );
    // Through all guards: this node has no NATS.
    expect(await code(own)).toBe(503);
    expect((await get("/ops/status", cookie, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  test("that only looks changes nothing, be it the key's role or the one it was entered with", async () => {
    const { key } = await keyOf("ops", "view");
    for (const { cookie, body } of [
      await enter(api.keys.ops, { role: "view" }),
      await enter(key),
      await enter(key, { role: "operate" }),
    ]) {
      expect(body.ops.role).toBe("view");
      expect((await get("/ops/status", cookie)).status).toBe(200);
      expect((await change(cookie, own)).body).toMatchObject({ status: 403, code: "view_only" });
    }
    const direct = { json, headers: { authorization: `Bearer ${key}` } };
    expect((await ask("PATCH", "/ops/pools/high", direct)).body.code).toBe("view_only");
    expect((await ask("GET", "/ops/status", direct)).status).toBe(200);
  });

  test("does not stand in for a key in the header", async () => {
    const { cookie } = await enter(api.keys.ops);
    const headers = { cookie, ...own, authorization: `Bearer ${api.keys.secret}` };
    expect((await ask("GET", "/ops/status", { headers })).status).toBe(403);
  });

  test("does not open the shop front", async () => {
    const { cookie } = await enter(api.keys.secret);
    expect((await get("/store/products", cookie)).status).toBe(401);
  });

  test("ends at log-out, which wants the header too", async () => {
    const { cookie } = await enter(api.keys.ops);
    const leave = (headers: Headers) =>
      ask("DELETE", "/console/session", { headers: { cookie, ...headers } });
    expect((await leave({ "sec-fetch-site": "same-origin" })).status).toBe(403);
    expect((await get("/ops/status", cookie)).status).toBe(200);
    const left = await leave(own);
    expect([left.status, left.headers.get("set-cookie")]).toEqual([
      204,
      expect.stringContaining("Max-Age=0"),
    ]);
    expect((await get("/ops/status", cookie)).status).toBe(401);
    expect((await leave(own)).status).toBe(204);
  });

  test("loses the part whose key is revoked, within a second", async () => {
    const { id, key } = await keyOf("ops");
    const { cookie } = await enter(key, { cookie: (await enter(api.keys.secret)).cookie });
    await revokeKey(api.sql, id);
    await until(async () => (await get("/ops/status", cookie)).status === 403);
    expect((await get("/console/session", cookie)).body).toMatchObject({ ops: null, store: {} });
  });

  test("is over after its time, and after two hours without use, and swept away", async () => {
    const gone = async (column: "expires_at" | "last_used_at", hours: number) => {
      const { cookie } = await enter(api.keys.ops);
      const hash = new Bun.CryptoHasher("sha256").update(cookie.split("=")[1]!).digest() as unknown as Buffer;
      const past = new Date(Date.now() - hours * 3_600_000);
      await api.sql`UPDATE stores.console_session SET ${api.sql(column)} = ${past} WHERE hash = ${hash}`;
      expect((await get("/console/session", cookie)).body).toMatchObject({
        status: 401,
        code: "not_logged_in",
      });
      // What is over is not carried on by adding a key to it.
      expect((await enter(api.keys.secret, { cookie })).body.ops).toBeNull();
    };
    await gone("expires_at", 0.01);
    await gone("last_used_at", 2.1);
    await api.sql`UPDATE stores.console_session SET last_used_at = now() - interval '3 hours'`;
    expect(await sweepConsoleSessions(api.sql)).toBeGreaterThan(1);
    expect(await sweepConsoleSessions(api.sql)).toBe(0);
  });

  test("counts as use of its keys", async () => {
    const { id, key } = await keyOf("ops");
    const { cookie } = await enter(key);
    await api.sql`UPDATE stores.api_key SET last_used_at = now() - interval '1 day' WHERE id = ${id}`;
    await api.sql`UPDATE stores.console_session SET last_used_at = now() - interval '1 hour'`;
    expect((await get("/ops/status", cookie)).status).toBe(200);
    const [row] =
      await api.sql`SELECT last_used_at > now() - interval '1 minute' AS fresh FROM stores.api_key WHERE id = ${id}`;
    expect(row!.fresh).toBe(true);
  });

  test("is kept as a hash only", async () => {
    const { cookie } = await enter(api.keys.ops);
    const rows = await api.sql`SELECT s::text AS text FROM stores.console_session s`;
    expect(rows.map(row => row.text).join()).not.toContain(cookie.split("=")[1]!);
  });
});

test("entering is limited by address, right keys and wrong ones alike", async () => {
  const alone = await testApi();
  try {
    const enterOnce = () =>
      alone.request("POST", "/console/session", { json: { key: "op_x" }, headers: own });
    const answers = await Promise.all(Array.from({ length: 25 }, enterOnce));
    const statuses = answers.map(one => one.status);
    expect(statuses.filter(status => status === 401).length).toBeLessThanOrEqual(21);
    expect(statuses).toContain(429);
    expect(answers.find(one => one.status === 429)!.headers.get("retry-after")).not.toBeNull();
  } finally {
    await alone.close();
  }
});

describe("the page", () => {
  test("is the same under all its addresses, and runs under a policy that allows nothing inline", async () => {
    const page = await ask("GET", "/console");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toStartWith("text/html");
    const policy = page.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
    expect((await ask("GET", "/console/pools/high")).body).toBe(page.body);
  });

  test("brings files whose names are their content's, cached for ever", async () => {
    const { body } = await ask("GET", "/console");
    const files = [...body.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(match => match[1]!);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const answer = await ask("GET", file);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([
        200,
        expect.stringContaining("immutable"),
      ]);
    }
    expect((await ask("GET", "/console/assets/..%2f..%2findex.ts")).status).toBe(404);
  });
});
