import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { Elysia, t } from "elysia";
import pino from "pino";
import { createKey, revokeKey } from "../../commerce/stores/index.ts";
import { until } from "../../platform/testing/index.ts";
import type { ApiDeps } from "./deps.ts";
import { documented } from "./http/documented.ts";
import { type SseEvent, sseResponse } from "./http/sse.ts";
import { type TestApi, testApi } from "./testing.ts";

const SECRET_ROUTE_ERROR = "SELECT password FROM secrets WHERE token = 'hunter2'";

/** Routes that misbehave in each way that the shell must cope with. */
function drills({ sql }: ApiDeps) {
  const shape = t.Object(
    {
      name: t.String({ maxLength: 5 }),
      count: t.Optional(t.Integer({ minimum: 1 })),
    },
    { additionalProperties: false },
  );
  return new Elysia({ prefix: "/drill" })
    .get("/defect", () => {
      throw new Error(SECRET_ROUTE_ERROR);
    })
    .get("/sql", async () => sql`SELECT nonsense FROM nowhere.at_all`)
    .get("/string", () => {
      throw SECRET_ROUTE_ERROR;
    })
    .get("/later", () => {
      const answer = Promise.reject(new Error(SECRET_ROUTE_ERROR));
      return answer;
    })
    .post("/echo", ({ body }) => body, {
      body: shape,
      response: documented({ 200: t.Object({ other: t.String() }) }),
    })
    .get("/events", ({ request }) => {
      const gone = new AbortController();
      request.signal.addEventListener("abort", () => gone.abort());
      gone.signal.addEventListener("abort", () => streamsEnded++);
      async function* never(): AsyncGenerator<SseEvent> {
        await new Promise(resolve => gone.signal.addEventListener("abort", resolve));
      }
      return sseResponse(never(), { stop: () => gone.abort() });
    })
    .get("/big", () => ({ text: "x".repeat(5_000) }))
    .get("/small", ({ query }) => ({ n: query.n ?? 0 }), {
      query: t.Object(
        { n: t.Optional(t.Integer({ minimum: 0, maximum: 9 })) },
        { additionalProperties: false },
      ),
    })
    .post("/stream", async ({ request }) => ({ bytes: (await request.arrayBuffer()).byteLength }), {
      parse: "none",
    });
}

let api: TestApi;
let streamsEnded = 0;
const logged: string[] = [];
const sink = new Writable({
  write(chunk, _encoding, done) {
    logged.push(String(chunk));
    done();
  },
});

beforeAll(async () => {
  api = await testApi({ areas: deps => [drills(deps)], log: pino({ level: "info" }, sink) });
});
beforeEach(() => {
  logged.length = 0;
});
afterAll(() => api.close());

async function problem(response: Response) {
  expect(response.headers.get("content-type")).toStartWith("application/problem+json");
  const body = (await response.json()) as Record<string, unknown> & {
    errors?: { path: string; message: string }[];
  };
  expect(body.status).toBe(response.status);
  expect(body).toMatchObject({ type: `urn:tradewind:problem:${body.code}`, title: expect.any(String) });
  expect(response.headers.get("traceparent")).toContain(body.traceId as string);
  return body;
}

describe("errors", () => {
  test("an unknown route is a 404 problem, a known one with another method a 405 that names the methods", async () => {
    expect(await problem(await api.request("GET", "/nope"))).toMatchObject({
      status: 404,
      code: "not_found",
    });
    const wrong = await api.request("DELETE", "/healthz");
    expect(wrong.headers.get("allow")).toBe("GET, HEAD");
    expect(await problem(wrong)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });

  test.each(["defect", "sql", "string", "later"])(
    "a defect (%s) is a bare 500 that tells nothing and is logged",
    async path => {
      const response = await api.request("GET", `/drill/${path}`);
      const text = await response.clone().text();
      expect(await problem(response)).toMatchObject({ status: 500, code: "internal_error" });
      expect(text).not.toMatch(/hunter2|SELECT|nowhere|\.ts|at /);
      expect(logged.join("")).toContain("request failed");
      if (path !== "sql") expect(logged.join("")).toContain("hunter2");
    },
  );

  test("malformed JSON is a 400, another content type a 415, no body a 422", async () => {
    const send = (body: string, type: string) =>
      api.request("POST", "/drill/echo", { body, headers: { "content-type": type } });
    expect(await problem(await send("{", "application/json"))).toMatchObject({
      status: 400,
      code: "malformed_json",
    });
    expect(await problem(await send("\xff", "application/json"))).toMatchObject({ code: "malformed_json" });
    expect(await problem(await send("a=b", "application/x-www-form-urlencoded"))).toMatchObject({
      status: 415,
    });
    expect(await problem(await api.request("POST", "/drill/echo"))).toMatchObject({ status: 422 });
  });

  test("JSON that is nested too deep is a 400, brackets in texts don't count", async () => {
    const headers = { "content-type": "application/json" };
    const send = (body: string) => api.request("POST", "/drill/echo", { body, headers });
    const deep = `{"name":${"[".repeat(400_000)}${"]".repeat(400_000)}}`;
    expect(await problem(await send(deep))).toMatchObject({ status: 400, code: "malformed_json" });
    expect((await send(`{"name":${"[".repeat(60)}${"]".repeat(60)}}`)).status).toBe(422);
    expect((await send(`{"name":"\\"[{[","count":1}`)).status).toBe(200);
    expect((await send(`{"name":"${"[".repeat(99)}"}`)).status).toBe(422);
  });

  test("an invalid body names the fields without echoing them; unknown fields are refused", async () => {
    const response = await api.request("POST", "/drill/echo", {
      json: { name: "swordfish", count: -3, admin: "swordfish" },
    });
    const text = await response.clone().text();
    const { errors } = await problem(response);
    expect(errors!.map(one => one.path).sort()).toEqual(["admin", "count", "name"]);
    expect(text).not.toContain("swordfish");
  });

  test.each([
    ["n=10", "n"],
    ["n=abc", "n"],
    ["n=1.5", "n"],
    ["m=1", "m"],
  ])("a query that breaks its schema (%s) is a 422 that names the parameter", async (query, path) => {
    const body = await problem(await api.request("GET", `/drill/small?${query}`));
    expect(body).toMatchObject({ status: 422, code: "invalid" });
    expect(body.errors![0]!.path).toBe(path);
  });

  test("a string of 1 MB is a 413, also when its length is not declared", async () => {
    const json = { name: "x".repeat(1024 * 1024) };
    expect(await problem(await api.request("POST", "/drill/echo", { json }))).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 32; i++) controller.enqueue(new Uint8Array(65_536).fill(32));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    expect((await api.request("POST", "/drill/echo", { body: chunks, headers })).status).toBe(413);
    const long = { name: "x".repeat(500_000) };
    expect((await api.request("POST", "/drill/echo", { json: long })).status).toBe(422);
  });

  test("a route that streams gets the body unread and unlimited", async () => {
    const body = new Uint8Array(3 * 1024 * 1024);
    const headers = { "content-type": "application/json" };
    const response = await api.request("POST", "/drill/stream", { body, headers });
    expect(await response.json()).toEqual({ bytes: body.length });
  });

  test("a database that is gone is a 503 that says when to come back", async () => {
    const other = await testApi();
    await other.sql.end();
    const response = await other.request("GET", "/ops/stores", { key: other.keys.ops });
    await other.close();
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await problem(response)).toMatchObject({ status: 503, code: "unavailable" });
  });
});

describe("answers", () => {
  test("carry node, request id, trace and timing; the caller's trace goes on", async () => {
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = { traceparent: parent, "x-request-id": "checkout-7" };
    const response = await api.request("GET", "/healthz", { headers });
    expect(response.headers.get("x-node")).toMatch(/^api-/);
    expect(response.headers.get("x-request-id")).toBe("checkout-7");
    expect(response.headers.get("server-timing")).toMatch(/^total;dur=[\d.]+$/);
    expect(response.headers.get("traceparent")).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad)[0-9a-f]{16}-01$/,
    );
    const hostile = await api.request("GET", "/healthz", {
      headers: { "x-request-id": '"},{"', traceparent: "x" },
    });
    expect(hostile.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("to the HEAD of a stream of events are its headers, and nothing goes on behind them", async () => {
    const response = await api.request("HEAD", "/drill/events");
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
    ]);
    expect([await response.text(), streamsEnded]).toEqual(["", 1]);
  });

  test("have a strong ETag and become a 304 when the caller has one of them", async () => {
    const first = await api.request("GET", "/drill/small?n=3");
    const etag = first.headers.get("etag")!;
    expect(etag).toMatch(/^"[^"]+"$/);
    const again = await api.request("GET", "/drill/small?n=3", {
      headers: { "if-none-match": `"a", W/${etag}` },
    });
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    const other = await api.request("GET", "/drill/small?n=4", { headers: { "if-none-match": etag } });
    expect(other.status).toBe(200);
    expect((await api.request("HEAD", "/drill/small?n=3")).headers.get("etag")).toBe(etag);
  });

  test.each(["gzip", "zstd"])("over 1 KB are compressed as %s with an ETag of their own", async encoding => {
    const plain = await api.request("GET", "/drill/big");
    const packed = await api.request("GET", "/drill/big", { headers: { "accept-encoding": encoding } });
    expect(packed.headers.get("content-encoding")).toBe(encoding);
    expect(packed.headers.get("vary")).toContain("accept-encoding");
    expect(packed.headers.get("etag")).not.toBe(plain.headers.get("etag"));
    const bytes = new Uint8Array(await packed.arrayBuffer());
    const text = encoding === "gzip" ? Bun.gunzipSync(bytes) : Bun.zstdDecompressSync(bytes);
    expect(JSON.parse(Buffer.from(text).toString())).toEqual(await plain.json());
    const headers = { "accept-encoding": encoding, "if-none-match": packed.headers.get("etag")! };
    expect((await api.request("GET", "/drill/big", { headers })).status).toBe(304);
    const small = await api.request("GET", "/drill/small", { headers: { "accept-encoding": encoding } });
    expect(small.headers.has("content-encoding")).toBe(false);
  });

  test("an encoding the caller refuses is not used", async () => {
    const headers = { "accept-encoding": "gzip;q=0, br, zstd;q=0" };
    expect((await api.request("GET", "/drill/big", { headers })).headers.has("content-encoding")).toBe(false);
  });

  test("of the store's routes may be read by pages of any origin, of the others by none", async () => {
    const asked = await api.request("OPTIONS", "/store/carts", {
      headers: { origin: "https://shop.example" },
    });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(asked.headers.get("access-control-allow-headers")).toContain("x-publishable-key");
    const refused = await api.request("GET", "/store/carts/cart_x");
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    const ops = await api.request("GET", "/ops/stores", { key: api.keys.ops });
    expect(ops.headers.has("access-control-allow-origin")).toBe(false);
    expect((await api.request("OPTIONS", "/ops/stores")).status).toBe(405);
  });

  test("leave a line in the access log with the pattern of the route, not its ids", async () => {
    await api.request("GET", "/ops/jobs/0191b5a0-0000-7000-8000-000000000000", { key: api.keys.ops });
    // Lines come many at a time, those of the requests before too.
    const line = await until(() => {
      const lines = logged
        .join("")
        .split("\n")
        .slice(0, -1)
        .map(one => JSON.parse(one));
      return lines.find(one => one.channel === "access" && one.route === "/ops/jobs/:id");
    });
    expect(line).toMatchObject({ method: "GET", status: 404, msg: "request" });
    expect(line.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("keys", () => {
  test("every route of an area refuses a request without a key, with a bad key, with another kind's key", async () => {
    const wrong = { store: api.keys.ops, admin: api.keys.ops, ops: api.keys.secret };
    const routes = api.app.routes.filter(
      route => /^\/(store|admin|ops)\//.test(route.path) && route.method !== "OPTIONS",
    );
    expect(routes.length).toBeGreaterThan(5);
    for (const { method, path } of routes) {
      const area = path.split("/")[1] as keyof typeof wrong;
      const url = path.replaceAll(/:\w+/g, "x");
      const json = method === "GET" || method === "DELETE" ? {} : { json: {} };
      const header = (key: string): Record<string, string> =>
        area === "store" ? { "x-publishable-key": key } : { authorization: `Bearer ${key}` };
      const bare = await api.request(method, url, json);
      expect(`${method} ${path} ${bare.status}`).toBe(`${method} ${path} 401`);
      expect(bare.headers.get("www-authenticate")).toBeTruthy();
      const bad = await api.request(method, url, { ...json, headers: header(`op_${"0".repeat(32)}`) });
      expect(`${method} ${path} ${bad.status}`).toBe(`${method} ${path} 401`);
      const other = await api.request(method, url, { ...json, headers: header(wrong[area]) });
      expect(`${method} ${path} ${other.status}`).toBe(`${method} ${path} 403`);
    }
  });

  test("a revoked key is refused within a second", async () => {
    const { id, key } = await createKey(api.sql, { kind: "ops", storeId: null, name: "to be revoked" });
    expect((await api.request("GET", "/ops/stores", { key })).status).toBe(200);
    await revokeKey(api.sql, id);
    await until(async () => (await api.request("GET", "/ops/stores", { key })).status === 401, {
      timeoutMs: 1_500,
    });
  });
});
