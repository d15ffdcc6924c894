/** A purchase as an OpenTelemetry collector sees it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "../../platform/testing/index.ts";
import { anyProduct, buy, mailTo } from "./first-light/steps.ts";
import { startStack, type TestStack } from "./testing.ts";

type Received = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string } }[];
};

let cluster: TestStack;
let collector: ReturnType<typeof Bun.serve>;
const spans: Received[] = [];
const tokens = new Set<string | null>();
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

beforeAll(async () => {
  collector = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      tokens.add(request.headers.get("x-token"));
      if (new URL(request.url).pathname !== "/v1/traces") return new Response(null, { status: 404 });
      type Body = { resourceSpans: { scopeSpans: { spans: Received[] }[] }[] };
      const body = (await request.json()) as Body;
      spans.push(...body.resourceSpans.flatMap(one => one.scopeSpans.flatMap(scope => scope.spans)));
      return Response.json({});
    },
  });
  cluster = await startStack({
    TRADEWIND_DEMO: "on",
    TRADEWIND_FIRST_LIGHT: "on",
    TRADEWIND_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
    TRADEWIND_OTLP_HEADERS: "x-token=abc%20d",
  });
}, 90_000);
afterAll(async () => {
  await cluster?.stop();
  await collector?.stop(true);
});

const named = (part: string) => spans.filter(one => one.traceId === TRACE && one.name.includes(part));

test("request, outbox, job and statements are one trace, each below what caused it", async () => {
  const { api } = cluster;
  const traceparent = `00-${TRACE}-${CALLER}-01`;
  const traced = {
    ...api,
    store: <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      api.store<T>(method, path, body, { traceparent, ...headers }),
  };
  await buy(traced, await anyProduct(api), "ada@traces.example");
  await mailTo(api, "ada@traces.example");
  await until(() => named("job stock.commit").length > 0 && named("job email.send").length > 0, {
    what: "the jobs' steps",
  });
  await until(() => named("POST /store/carts/:id/checkout").length === 1, { what: "the request's step" });

  const [checkout] = named("POST /store/carts/:id/checkout");
  expect(checkout!.parentSpanId).toBe(CALLER);
  const [outbox] = named("outbox stock.commit");
  expect(outbox!.parentSpanId).toBe(checkout!.spanId);
  const [job] = named("job stock.commit");
  expect(job!.parentSpanId).toBe(outbox!.spanId);
  const below = (parent: Received) => spans.filter(one => one.parentSpanId === parent.spanId);
  expect(below(checkout!).map(one => one.name)).toContainEqual(expect.stringMatching(/^SELECT checkout\./));
  expect(below(job!).length).toBeGreaterThan(0);
  for (const span of spans.filter(one => one.traceId === TRACE)) {
    expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
  }
  // Statements show their text, never what was sent with them.
  expect(JSON.stringify(spans)).not.toContain("ada@traces.example");
  expect([...tokens]).toEqual(["abc d"]);
});

test("a trace that its caller does not record is not recorded here either", async () => {
  const unwanted = "5bf92f3577b34da6a3ce929d0e0e4736";
  const { api } = cluster;
  const list = (trace: string, flags: string) =>
    api.store("GET", "/store/products", undefined, { traceparent: `00-${trace}-${CALLER}-${flags}` });
  await list(unwanted, "00");
  const wanted = "6bf92f3577b34da6a3ce929d0e0e4736";
  await list(wanted, "01");
  await until(() => spans.some(one => one.traceId === wanted), { what: "the later request's step" });
  // Both nodes send once a second; the one that served the first has sent since.
  await Promise.all(cluster.stack().nodes!.map(node => fetch(`${node}/healthz`)));
  expect(spans.some(one => one.traceId === unwanted)).toBe(false);
});
