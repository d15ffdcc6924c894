import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testServers } from "../../../platform/testing/index.ts";
import { type TestApi, type TestApiOptions, testApi } from "../testing.ts";

type Readiness = { status: string; dependencies: { name: string; state: string; needed: boolean }[] };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function setup(options: TestApiOptions = {}): Promise<TestApi> {
  const mediaDir = await mkdtemp(join(tmpdir(), "readiness-"));
  const servers = await testServers();
  const config = { mediaDir, redisUrl: servers.redisUrl, redisToken: servers.redisToken, ...options.config };
  const api = await testApi({ ...options, config });
  closers.push(
    () => api.close(),
    () => rm(mediaDir, { recursive: true }),
  );
  return api;
}

async function readiness(api: TestApi) {
  const response = await api.request("GET", "/readyz");
  const text = await response.text();
  const { status, dependencies } = JSON.parse(text) as Readiness;
  for (const one of dependencies) {
    const lines = text.split("\n").filter(line => line.includes(`"${one.name}"`));
    expect(lines).toHaveLength(1);
  }
  const states = Object.fromEntries(dependencies.map(one => [one.name, one.state]));
  return { code: response.status, status, states };
}

test("a node with all its dependencies is ready and names them, one a line", async () => {
  const api = await setup({ nats: true });
  const { code, status, states } = await readiness(api);
  expect([code, status]).toEqual([200, "ready"]);
  expect(states).toMatchObject({ postgres: "ok", nats: "ok", redis: "ok", storage: "ok" });
});

test("without NATS, Redis and the search engine a node is degraded but ready", async () => {
  const api = await setup({ config: { redisUrl: "http://127.0.0.1:1", meiliUrl: "http://127.0.0.1:1" } });
  const { code, states } = await readiness(api);
  expect(code).toBe(200);
  expect(states).toMatchObject({ postgres: "ok", nats: "degraded", redis: "degraded", search: "degraded" });
});

test("without its database or its storage a node is not ready, but alive", async () => {
  const api = await setup({ config: { mediaDir: "/proc/nowhere" } });
  expect(await readiness(api)).toMatchObject({ code: 503, status: "not_ready", states: { storage: "down" } });
  await api.sql.end();
  expect(await readiness(api)).toMatchObject({ code: 503, states: { postgres: "down" } });
  expect((await api.request("GET", "/healthz")).status).toBe(200);
});

test("a draining node is not ready and closes its connections", async () => {
  const drain = { active: false };
  const api = await setup({ deps: { drain } });
  expect((await readiness(api)).code).toBe(200);
  drain.active = true;
  expect(await readiness(api)).toMatchObject({ code: 503, status: "draining" });
  expect((await api.request("GET", "/healthz")).headers.get("connection")).toBe("close");
});

test("metrics are open to this machine and want an ops key from elsewhere", async () => {
  let peer = "127.0.0.1";
  const api = await setup({ nats: true, deps: { peerOf: () => peer } });
  await api.request("GET", "/healthz");
  const local = await api.request("GET", "/metrics");
  expect(local.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
  expect(await local.text()).toMatch(/tradewind_http_request_seconds_count\{.*route="\/healthz".*\} 1/);
  const proxied = await api.request("GET", "/metrics", { headers: { "x-forwarded-for": "203.0.113.9" } });
  expect(proxied.status).toBe(401);
  peer = "203.0.113.9";
  expect((await api.request("GET", "/metrics")).status).toBe(401);
  expect((await api.request("GET", "/metrics", { key: api.keys.secret })).status).toBe(403);
  expect((await api.request("GET", "/metrics", { key: api.keys.ops })).status).toBe(200);
});

test("metrics of this process are given while NATS is away", async () => {
  const api = await setup({ deps: { peerOf: () => "127.0.0.1" } });
  await api.request("GET", "/healthz");
  expect(await (await api.request("GET", "/metrics")).text()).toContain("tradewind_http_request_seconds");
});

const documentedPath = (path: string) =>
  path
    .replaceAll(/:(\w+)/g, "{$1}")
    .replace("/*", "/{*}")
    .replace(/(.)\/$/, "$1");

type Described = {
  security?: unknown;
  responses: Record<string, unknown>;
  parameters?: { in: string; name: string }[];
  requestBody?: { required: boolean; content: Record<string, unknown> };
};

test("the OpenAPI description is 3.1, lists every route and keeps the shell's marks to itself", async () => {
  const api = await setup();
  const response = await api.request("GET", "/openapi.json");
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<string, Record<string, Described>>;
  };
  expect(document.openapi).toMatch(/^3\.1\./);
  const hidden = new Set(["/docs/start.js", "/docs/:asset", "/console/*", "/console/assets/:file"]);
  for (const { method, path, hooks } of api.app.routes) {
    if (hidden.has(path) || method === "HEAD" || method === "OPTIONS") continue;
    const operation = document.paths[documentedPath(path)]?.[method.toLowerCase()];
    expect(`${method} ${path} ${operation ? "documented" : "missing"}`).toBe(`${method} ${path} documented`);
    expect(operation!.responses).toHaveProperty("default");
    if (/^\/(store|admin|ops)\//.test(path)) expect(operation!.security).toBeArrayOfSize(1);
    const [type] = Object.keys(operation!.requestBody?.content ?? {});
    const takesBody = (hooks as { body?: unknown }).body !== undefined;
    if (takesBody) expect(`${method} ${path} ${type}`).toBe(`${method} ${path} application/json`);
  }
  const newCart = document.paths["/store/carts"]!.post!.requestBody!;
  expect([newCart.required, document.paths["/admin/products"]!.post!.requestBody!.required]).toEqual([
    false,
    true,
  ]);
  const checkout = document.paths["/store/carts/{id}/checkout"]!.post!.parameters!;
  expect(checkout.map(one => `${one.in} ${one.name}`)).toEqual(["path id", "header Idempotency-Key"]);
  expect(JSON.stringify(document)).not.toContain("noValidate");
});

test("every page has a policy without inline script, and may be framed by nobody", async () => {
  const api = await setup();
  for (const path of ["/docs", "/console", "/console/ops/jobs"]) {
    const { headers } = await api.request("GET", path);
    expect(headers.get("content-type")).toStartWith("text/html");
    const policy = headers.get("content-security-policy")!;
    expect(policy).toStartWith("default-src 'none'; script-src 'self';");
    for (const part of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    const others = ["x-content-type-options", "referrer-policy"].map(name => headers.get(name));
    expect(others).toEqual(["nosniff", "no-referrer"]);
  }
});

test("the reference page and all it loads come from this node under a strict policy", async () => {
  const api = await setup();
  const page = await api.request("GET", "/docs");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
  const html = await page.text();
  expect(html).not.toMatch(/https?:\/\//);
  const loaded = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(match => match[1]!);
  expect(loaded.length).toBeGreaterThan(3);
  for (const path of loaded) expect((await api.request("GET", path)).status).toBe(200);
  expect((await api.request("GET", "/docs/package.json")).status).toBe(404);
});
