import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../platform/config.ts";
import { createMetrics } from "../../../platform/metrics.ts";
import type { ApiDeps } from "../deps.ts";
import { answerFault } from "./fault.ts";
import { hotFilesOf } from "./hot-files.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-hot-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** A server that knows one file and answers everything else with 299. */
async function setup(bytes = 9) {
  const path = join(dir, crypto.randomUUID());
  await Bun.write(path, "the bytes".padEnd(bytes, "."));
  const drain = { active: false };
  const deps = { config: loadConfig({}), metrics: createMetrics("test"), drain } as unknown as ApiDeps;
  const hot = hotFilesOf(deps);
  hot.keep("/media/a.webp", {
    blob: Bun.file(path),
    bytes,
    headers: { "content-type": "image/webp", etag: '"a"' },
  });
  const server = Bun.serve({
    port: 0,
    error: answerFault,
    fetch: request => hot.answer(request) ?? new Response("long way", { status: 299 }),
  });
  const get = (at: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${at}`, init);
  return { path, drain, deps, get, close: () => server.stop(true) };
}

test("a known file is answered at once, with its headers, and counted", async () => {
  const { get, deps, close } = await setup();
  const answer = await get("/media/a.webp");
  expect([answer.status, await answer.text()]).toEqual([200, "the bytes"]);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(answer.headers.get("etag")).toBe('"a"');
  expect(answer.headers.get("x-node")).toStartWith("api-");
  const [values] = (await deps.metrics.registry.getMetricsAsJSON()).filter(
    one => one.name === "tradewind_http_request_seconds",
  );
  const counts = (values!.values as { metricName?: string; value: number }[]).filter(one =>
    one.metricName?.endsWith("_count"),
  );
  expect(counts).toMatchObject([{ value: 1, labels: { route: "/media/:file", status: "200" } }]);
  await close();
});

test("conditions, ranges, queries, other methods and a node that drains go the long way", async () => {
  const { get, drain, close } = await setup();
  const statuses = await Promise.all([
    get("/media/a.webp", { headers: { "if-none-match": '"a"' } }),
    get("/media/a.webp", { headers: { range: "bytes=0-1" } }),
    get("/media/a.webp?x=1"),
    get("/media/b.webp"),
    get("/media/a.webp", { method: "HEAD" }),
    get("/media/a.webp", { method: "POST" }),
  ]);
  expect(statuses.map(one => one.status)).toEqual([299, 299, 299, 299, 299, 299]);
  drain.active = true;
  expect((await get("/media/a.webp")).status).toBe(299);
  await close();
});

test("a large file that is gone by now is not found, and the answer tells no path of this machine", async () => {
  const { get, path, close } = await setup(300_000);
  expect((await (await get("/media/a.webp")).bytes()).length).toBe(300_000);
  await rm(path);
  const answer = await get("/media/a.webp");
  expect(answer.status).toBe(404);
  expect(answer.headers.get("content-type")).toStartWith("application/problem+json");
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ code: "not_found", status: 404 });
  expect(text).not.toContain(dir);
  await close();
});
