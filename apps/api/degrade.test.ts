/** Every cell of the table of degrade.ts, tried; then the same application with its dependency back. Replicas: replicas.test.ts. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "../../bus/index.ts";
import type { Config } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { connect } from "../../platform/postgres/index.ts";
import { openDoor, testServers, until } from "../../platform/testing/index.ts";
import { createApp } from "./app.ts";
import { cacheOf } from "./cache/index.ts";
import { type Degradable, openDegradable } from "./degrade.fixture.ts";
import { situations } from "./degrade.ts";
import type { ApiDeps } from "./deps.ts";
import { watchLife } from "./http/lifesign.ts";
import { patiently } from "./http/patience.ts";
import { type TestApi, testApi } from "./testing.ts";

const NOBODY = "http://127.0.0.1:1";

let api: TestApi;
let shop: Degradable;
let mediaDir = "";
const mute = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-degrade-"));
  api = await testApi({ nats: true, config: { mediaDir, rateLimitFactor: 1_000 } });
  shop = await openDegradable(api);
});
afterAll(async () => {
  for (const close of closers) await close();
  await mute.stop(true);
  await api.close();
  await rm(mediaDir, { recursive: true });
});

/** The application of the fixture with other dependencies. */
function variant(config: Partial<Config>, more: Partial<ApiDeps> = {}) {
  const deps: ApiDeps = {
    ...api.deps,
    config: { ...api.deps.config, ...config },
    metrics: createMetrics("t"),
    ...more,
  };
  const app = createApp(deps);
  closers.push(async () => cacheOf(deps).stop());
  return (request: Request) => app.handle(request);
}

/** A way to the fixture's database that can be shut or frozen. */
async function door() {
  const url = new URL((await testServers()).adminUrl);
  const way = openDoor(new URL(url));
  closers.push(async () => way.shut());
  url.host = `127.0.0.1:${way.port}`;
  const [row] = await api.sql<{ name: string }[]>`SELECT current_database() AS name`;
  url.pathname = `/${row!.name}`;
  return { ...way, url: url.href };
}

async function behindDoor() {
  const way = await door();
  const sql = connect(way.url, { max: 10, application: "test" });
  const signs = connect(way.url, { max: 1, application: "test" });
  closers.unshift(() => Promise.all([sql.end({ timeout: 1 }), signs.end({ timeout: 1 })]));
  const handle = patiently(
    variant({}, { sql }),
    watchLife(sql, () => signs`SELECT 1`.then(() => {})),
  );
  await shop.expectAnswers(handle, situations.redisDown.answers);
  const isKept = async () => {
    const product = await shop.ask(handle)("GET", "/store/products/kept");
    return product.headers.get("x-cache") === "HIT";
  };
  await until(isKept, { what: "a product that is kept" });
  return { way, handle };
}

test("Postgres down: what is kept is given for longer than its key is trusted, the rest is 503; then it works again", async () => {
  const { way, handle } = await behindDoor();
  const filled = await shop.filledCarts();
  way.shut();
  await Bun.sleep(1_050);
  await shop.expectAnswers(handle, situations.postgresDown.answers, { filled });
  way.open();
  await shop.ask(handle)("GET", shop.orderPath);
  await shop.expectAnswers(handle, situations.redisDown.answers, { filled });
}, 120_000);

test("Postgres frozen: what is kept is given, the rest is 503 within two seconds; then it works again", async () => {
  const { way, handle } = await behindDoor();
  const filled = await shop.filledCarts();
  await Bun.sleep(1_050);
  way.freeze();
  await shop.expectAnswers(handle, situations.postgresFrozen.answers, { filled });
  way.thaw();
  await shop.expectAnswers(handle, situations.redisDown.answers);
}, 120_000);

test("Postgres comes back to a crowd: what all ask for is made once", async () => {
  const way = await door();
  let made = 0;
  const onStatement = (text: string) => {
    if (text.includes("storefront.listing")) made++;
  };
  const sql = connect(way.url, { max: 5, application: "crowd", onStatement });
  closers.unshift(() => sql.end({ timeout: 1 }));
  const signs = connect(way.url, { max: 1, application: "crowd" });
  closers.unshift(() => signs.end({ timeout: 1 }));
  const ask = shop.ask(
    patiently(
      variant({}, { sql }),
      watchLife(sql, () => signs`SELECT 1`.then(() => {})),
    ),
  );
  const crowd = (path: string) => Promise.all(Array.from({ length: 300 }, () => ask("GET", path)));
  expect((await ask("GET", "/store/products?limit=5")).status).toBe(200);

  way.shut();
  const refused = await crowd("/store/products?limit=6");
  expect(new Set(refused.map(one => one.status))).toEqual(new Set([503]));
  expect(refused.every(one => one.headers.get("retry-after") === "1")).toBe(true);
  way.open();
  await until(async () => (await ask("GET", shop.orderPath)).ok, {
    what: "Postgres again",
    timeoutMs: 30_000,
  });
  made = 0;
  const served = await crowd("/store/products?limit=7");
  expect(new Set(served.map(one => one.status))).toEqual(new Set([200]));
  expect(made).toBe(1);
}, 120_000);

test("NATS down", async () => {
  const metrics = createMetrics("t");
  const bus = openBus({ url: "nats://127.0.0.1:1", name: "test", log: silentLog, sql: api.sql, metrics });
  closers.push(() => bus.close());
  await shop.expectAnswers(variant({}, { bus }), situations.natsDown.answers);
}, 120_000);

test("NATS frozen; then it works again", async () => {
  const url = new URL(api.natsUrl!);
  const way = openDoor(new URL(url));
  url.host = `127.0.0.1:${way.port}`;
  const bus = openBus({ url: url.href, name: "test", log: silentLog, sql: api.sql });
  closers.push(async () => {
    way.thaw();
    await bus.close();
    way.shut();
  });
  await bus.ready;
  const handle = variant({}, { bus });
  await shop.expectAnswers(handle, situations.redisDown.answers);
  const filled = await shop.filledCarts();
  // What a node knows of the queue is believed for a moment: then a checkout is sent there, and waits for an answer.
  await Bun.sleep(1_050);
  way.freeze();
  await shop.expectAnswers(handle, situations.natsFrozen.answers, { filled });
  way.thaw();
  await until(async () => (await shop.ask(handle)("GET", "/ops/pools")).ok, { what: "NATS again" });
  await shop.expectAnswers(handle, situations.redisDown.answers);
}, 60_000);

test("Redis down or frozen", async () => {
  await shop.expectAnswers(variant({ redisUrl: NOBODY, redisToken: "t" }), situations.redisDown.answers);
  await shop.expectAnswers(
    variant({ redisUrl: mute.url.origin, redisToken: "t" }),
    situations.redisFrozen.answers,
  );
}, 120_000);

test("Meilisearch down or frozen", async () => {
  await shop.expectAnswers(variant({ meiliUrl: NOBODY, meiliKey: "k" }), situations.searchDown.answers);
  await shop.expectAnswers(
    variant({ meiliUrl: mute.url.origin, meiliKey: "k" }),
    situations.searchFrozen.answers,
  );
}, 120_000);

test("SMTP down or frozen", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  closers.push(async () => silent.stop(true));
  await shop.expectAnswers(variant({ smtpUrl: "smtp://127.0.0.1:1" }), situations.smtpDown.answers);
  const smtpUrl = `smtp://127.0.0.1:${silent.port}`;
  await shop.expectAnswers(variant({ smtpUrl }), situations.smtpFrozen.answers);
}, 120_000);

test("the media folder away", async () => {
  await shop.expectAnswers(variant({ mediaDir: "/proc/nowhere" }), situations.mediaDown.answers);
});

test("the media bucket down or frozen", async () => {
  const bucket = { s3Bucket: "media", s3AccessKeyId: "k", s3SecretAccessKey: "s" };
  await shop.expectAnswers(variant({ ...bucket, s3Endpoint: NOBODY }), situations.bucketDown.answers);
  await shop.expectAnswers(
    variant({ ...bucket, s3Endpoint: mute.url.origin }),
    situations.bucketFrozen.answers,
  );
}, 120_000);

test("the payment provider down or silent", async () => {
  const stripe = { stripeSecretKey: "sk_test_x", stripeApiHost: NOBODY };
  await shop.expectAnswers(variant(stripe), situations.paymentDown.answers, { token: "down" });
  await shop.expectAnswers(variant({}), situations.paymentFrozen.answers, { token: "timeout" });
}, 120_000);
