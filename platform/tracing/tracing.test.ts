import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import { connect } from "../postgres/index.ts";
import { freshDatabase, until } from "../testing/index.ts";
import { createTracer, noTracer, type Span } from "./index.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = { traceId: TRACE, spanId: "00f067aa0ba902b7" };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function collector(answer: () => number) {
  const batches: { name: string }[][] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = (await request.json()) as {
        resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[];
      };
      const status = answer();
      if (status === 200) batches.push(body.resourceSpans[0]!.scopeSpans[0]!.spans);
      return new Response(null, { status });
    },
  });
  closers.push(() => server.stop(true));
  const endpoint = `http://127.0.0.1:${server.port}/`;
  const tracer = createTracer({ endpoint, headers: {}, percent: 100, process: "test", log: silentLog });
  return { batches, tracer };
}

const span = (name: string): Span => ({
  ...parent,
  name,
  kind: "server",
  startMs: 1,
  endMs: 2,
  attributes: { a: 1, b: 1.5, c: true, d: "x" },
});

test("a collector that is away or busy gets the spans when it is back", async () => {
  let status = 503;
  const { tracer, batches } = collector(() => status);
  tracer.record(span("one"));
  await tracer.close();
  expect(batches).toEqual([]);
  status = 200;
  tracer.record(span("two"));
  await tracer.close();
  expect(batches.flat().map(one => one.name)).toEqual(["one", "two"]);
});

test("what the collector refuses is given up, and the next goes on", async () => {
  let status = 400;
  const { tracer, batches } = collector(() => status);
  tracer.record(span("refused"));
  await tracer.close();
  status = 200;
  tracer.record(span("next"));
  await tracer.close();
  expect(batches.flat().map(one => one.name)).toEqual(["next"]);
});

test("all processes choose the same share of the traces", () => {
  const options = { endpoint: "http://127.0.0.1:1", headers: {}, percent: 25, log: silentLog };
  const [one, other] = ["a", "b"].map(process => createTracer({ ...options, process }));
  closers.push(
    () => one!.close(),
    () => other!.close(),
  );
  let chosen = 0;
  for (let n = 0; n < 4_000; n++) {
    const traceparent = `00-${crypto.randomUUID().replaceAll("-", "")}-${parent.spanId}-01`;
    const sampled = one!.sampled(traceparent);
    expect(other!.sampled(traceparent)).toEqual(sampled);
    if (sampled) chosen++;
  }
  expect(chosen).toBeGreaterThan(800);
  expect(chosen).toBeLessThan(1_200);
});

test("statements of a step, in transactions too, become its children with their fate; others are not recorded", async () => {
  const { tracer, batches } = collector(() => 200);
  const { url, drop } = await freshDatabase();
  closers.push(drop);
  const sql = connect(url, { application: "test", max: 2, tracer });
  closers.push(() => sql.end());
  await sql`SELECT 'before'`;
  await tracer.within(parent, async () => {
    expect(await sql`SELECT ${1}::int AS one`).toEqual([{ one: 1 }] as never);
    await sql.begin(tx => tx`SELECT ${"secret"} AS two FROM pg_catalog.pg_class LIMIT 1`);
    await sql.unsafe("SELECT 3");
    await expect(sql`SELECT 1 / 0`.execute()).rejects.toThrow("division");
    const columns = sql({ relname: "x" });
    await sql`SELECT 4 WHERE ${sql`true`} AND ${columns ? 1 : 0} = 1`;
  });
  await tracer.close();
  await until(() => batches.length > 0, { what: "a batch" });
  const got = batches.flat() as unknown as {
    name: string;
    parentSpanId: string;
    status?: { message: string };
  }[];
  expect(got.map(one => one.parentSpanId)).toEqual(got.map(() => parent.spanId));
  expect(got.map(one => one.name)).toEqual([
    "SELECT",
    "SELECT pg_catalog.pg_class",
    "SELECT",
    "SELECT",
    "SELECT",
  ]);
  expect(got.map(one => one.status?.message)).toEqual([undefined, undefined, undefined, "22012", undefined]);
  expect(JSON.stringify(got)).not.toContain("secret");
});

test("without an endpoint nothing is done", () => {
  const tracer = createTracer({
    endpoint: undefined,
    headers: {},
    percent: 100,
    process: "x",
    log: silentLog,
  });
  expect(tracer).toBe(noTracer);
});
