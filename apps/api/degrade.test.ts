/** Every cell of the table of degrade.ts, tried; then the same application with its dependency back. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "../../bus/index.ts";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { setFlash } from "../../commerce/checkout/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import type { Config } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { connect, transaction } from "../../platform/postgres/index.ts";
import { openDoor, testServers, until } from "../../platform/testing/index.ts";
import { createApp } from "./app.ts";
import { cacheOf } from "./cache/index.ts";
import { type Answer, type Group, situations } from "./degrade.ts";
import type { ApiDeps } from "./deps.ts";
import { patiently } from "./http/patience.ts";
import { type TestApi, testApi } from "./testing.ts";

const NOBODY = "http://127.0.0.1:1";
const PASSWORD = "correct horse battery";
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const EMAIL = "buyer@example.com";

let api: TestApi;
let mediaDir = "";
let variantId = "";
/** Its checkouts are queued. */
let hotId = "";
let orderPath = "";
const mute = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-degrade-"));
  api = await testApi({ nats: true, config: { mediaDir, rateLimitFactor: 1_000 } });
  await transaction(api.sql, async tx => {
    // Stock of the kept one does not move: each change would make its answer old.
    const products = ["sold", "kept", "hot"].map((handle, ref) => {
      const variants = [{ ref, optionValues: [], sku: handle }];
      return { ref, handle, title: handle, status: "active" as const, variants };
    });
    const made = await upsertProducts(tx, api.store.id, products);
    const sold = made.variants.find(one => one.ref === 0)!;
    const rows = made.variants.map(one => ({ ...one, onHand: 1_000 }));
    variantId = sold.variantId;
    hotId = made.variants.find(one => one.ref === 2)!.variantId;
    const prices = made.variants.map(one => ({ ...one, amountMinor: 500, compareAtMinor: null }));
    await setPrices(tx, api.store.id, "EUR", prices);
    await tx`SELECT inventory.set_initial(${api.store.id}, ${tx.json(rows as never)}, 'new', 'test')`;
  });
  await setFlash(api.sql, { storeId: api.store.id, variantId: hotId, on: true, author: "test" });
  const front = ask(request => api.app.handle(request));
  await front("POST", "/store/customers", { email: EMAIL, password: PASSWORD });
  orderPath = (await front("POST", `${await cart(variantId)}/checkout`, payment("ok"))).headers.get(
    "location",
  )!;
});
afterAll(async () => {
  for (const close of closers) await close();
  await mute.stop(true);
  await api.close();
  await rm(mediaDir, { recursive: true });
});

/** `down`: by a provider that nobody reaches. */
const payment = (token: "ok" | "timeout" | "down") => ({
  payment: token === "down" ? { provider: "stripe", token: "pm_card_visa" } : { provider: "test", token },
});

type Handle = (request: Request) => Response | Promise<Response>;

function ask(handle: Handle) {
  return async (method: string, path: string, body?: unknown): Promise<Response> => {
    const { publishable, secret, ops } = api.keys;
    const headers: Record<string, string> = { "idempotency-key": crypto.randomUUID() };
    if (path.startsWith("/store")) headers["x-publishable-key"] = publishable;
    else headers.authorization = `Bearer ${path.startsWith("/ops") ? ops : secret}`;
    if (body instanceof FormData)
      return handle(new Request(`http://localhost${path}`, { method, headers, body }));
    if (body !== undefined) headers["content-type"] = "application/json";
    const text = body === undefined ? null : JSON.stringify(body);
    return handle(new Request(`http://localhost${path}`, { method, headers, body: text }));
  };
}

/** Path of a cart that can be bought, made while all is well. */
async function cart(variant: string): Promise<string> {
  const front = ask(request => api.app.handle(request));
  const made = await front("POST", "/store/carts", { email: EMAIL });
  const path = made.headers.get("location")!;
  await front("POST", `${path}/lines`, { variantId: variant, quantity: 1 });
  return path;
}

type Filled = { cart: string; hot: string };

const filledCarts = async (): Promise<Filled> => ({ cart: await cart(variantId), hot: await cart(hotId) });

function upload(): FormData {
  const form = new FormData();
  form.append("file", new File([PNG], "dot.png"));
  return form;
}

/** One request of each group. */
function requests(
  handle: Handle,
  filled: Filled,
  token: Parameters<typeof payment>[0],
): Record<Group, () => Promise<Response>> {
  const front = ask(handle);
  return {
    kept: () => front("GET", "/store/products/kept"),
    search: () => front("GET", "/store/search?q=kept"),
    cart: () => front("POST", "/store/carts", {}),
    checkout: () => front("POST", `${filled.cart}/checkout`, payment(token)),
    flash: () => front("POST", `${filled.hot}/checkout`, payment("ok")),
    order: () => front("GET", orderPath),
    logIn: () => front("POST", "/store/sessions", { email: EMAIL, password: PASSWORD }),
    adminWrite: () => front("POST", "/admin/products", { title: crypto.randomUUID() }),
    upload: () => front("POST", "/admin/media", upload()),
    jobs: () => front("GET", "/ops/jobs"),
    pools: () => front("GET", "/ops/pools"),
  };
}

async function expectAnswers(
  handle: Handle,
  answers: Record<Group, Answer>,
  { token = "ok", filled }: { token?: Parameters<typeof payment>[0]; filled?: Filled } = {},
) {
  const asked = requests(handle, filled ?? (await filledCarts()), token);
  const told = await Promise.all(
    Object.entries(asked).map(async ([group, request]) => {
      const response = await request();
      const text = await response.text();
      const { status, headers } = response;
      if (status === 503) expect([group, Number(headers.get("retry-after"))]).toEqual([group, 1]);
      if (status >= 400) expect([group, JSON.parse(text).status]).toEqual([group, status]);
      const isKept = answers[group as Group] === "kept" && headers.get("x-cache") !== "MISS";
      const isDirect = group === "flash" && status === 201;
      return [group, status >= 400 ? status : isKept ? "kept" : isDirect ? "direct" : "ok"];
    }),
  );
  expect(Object.fromEntries(told)).toEqual(answers);
}

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
  const handle = patiently(variant({}, { sql }), () => signs`SELECT 1`.then(() => {}));
  await expectAnswers(handle, situations.redisDown.answers);
  const isKept = async () => {
    const product = await ask(handle)("GET", "/store/products/kept");
    return product.headers.get("x-cache") === "HIT";
  };
  await until(isKept, { what: "a product that is kept" });
  return { way, handle };
}

test("Postgres down: what is kept is given for longer than its key is trusted, the rest is 503; then it works again", async () => {
  const { way, handle } = await behindDoor();
  const filled = await filledCarts();
  way.shut();
  await Bun.sleep(1_050);
  await expectAnswers(handle, situations.postgresDown.answers, { filled });
  way.open();
  await ask(handle)("GET", orderPath);
  await expectAnswers(handle, situations.redisDown.answers, { filled });
}, 15_000);

test("Postgres frozen: 503 within two seconds; then it works again", async () => {
  const { way, handle } = await behindDoor();
  const filled = await filledCarts();
  await Bun.sleep(1_050);
  way.freeze();
  await expectAnswers(handle, situations.postgresFrozen.answers, { filled });
  way.thaw();
  await expectAnswers(handle, situations.redisDown.answers);
}, 15_000);

test("NATS down", async () => {
  const metrics = createMetrics("t");
  const bus = openBus({ url: "nats://127.0.0.1:1", name: "test", log: silentLog, sql: api.sql, metrics });
  closers.push(() => bus.close());
  await expectAnswers(variant({}, { bus }), situations.natsDown.answers);
}, 15_000);

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
  await expectAnswers(handle, situations.redisDown.answers);
  const filled = await filledCarts();
  // What a node knows of the queue is believed for a moment: then a checkout is sent there, and waits for an answer.
  await Bun.sleep(1_050);
  way.freeze();
  await expectAnswers(handle, situations.natsFrozen.answers, { filled });
  way.thaw();
  await until(async () => (await ask(handle)("GET", "/ops/pools")).ok, { what: "NATS again" });
  await expectAnswers(handle, situations.redisDown.answers);
}, 60_000);

test("Redis down or frozen", async () => {
  await expectAnswers(variant({ redisUrl: NOBODY, redisToken: "t" }), situations.redisDown.answers);
  await expectAnswers(
    variant({ redisUrl: mute.url.origin, redisToken: "t" }),
    situations.redisFrozen.answers,
  );
}, 15_000);

test("Meilisearch down or frozen", async () => {
  await expectAnswers(variant({ meiliUrl: NOBODY, meiliKey: "k" }), situations.searchDown.answers);
  await expectAnswers(variant({ meiliUrl: mute.url.origin, meiliKey: "k" }), situations.searchFrozen.answers);
}, 15_000);

test("SMTP down or frozen", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  closers.push(async () => silent.stop(true));
  await expectAnswers(variant({ smtpUrl: "smtp://127.0.0.1:1" }), situations.smtpDown.answers);
  const smtpUrl = `smtp://127.0.0.1:${silent.port}`;
  await expectAnswers(variant({ smtpUrl }), situations.smtpFrozen.answers);
}, 15_000);

test("the media folder away", async () => {
  await expectAnswers(variant({ mediaDir: "/proc/nowhere" }), situations.mediaDown.answers);
});

test("the media bucket down or frozen", async () => {
  const bucket = { s3Bucket: "media", s3AccessKeyId: "k", s3SecretAccessKey: "s" };
  await expectAnswers(variant({ ...bucket, s3Endpoint: NOBODY }), situations.bucketDown.answers);
  await expectAnswers(variant({ ...bucket, s3Endpoint: mute.url.origin }), situations.bucketFrozen.answers);
}, 15_000);

test("the payment provider down or silent", async () => {
  const stripe = { stripeSecretKey: "sk_test_x", stripeApiHost: NOBODY };
  await expectAnswers(variant(stripe), situations.paymentDown.answers, { token: "down" });
  await expectAnswers(variant({}), situations.paymentFrozen.answers, { token: "timeout" });
}, 30_000);
