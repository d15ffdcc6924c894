/**
 * Reads from a real streaming replica, and what becomes of them when it lags, dies, hangs or is none: also of all groups of
 * routes that degrade.ts names.
 */
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { Replicas } from "../../platform/replicas/index.ts";
import { until } from "../../platform/testing/index.ts";
import { createApp } from "./app.ts";
import { cacheOf } from "./cache/index.ts";
import { type Degradable, openDegradable } from "./degrade.fixture.ts";
import { situations } from "./degrade.ts";
import { replicasOf } from "./http/per-node.ts";
import { type Replicated, replicated } from "./replicated.fixture.ts";

setDefaultTimeout(120_000);

let world: Replicated;
let api: Replicated["api"];
let degradable: Degradable;
let mediaDir: string;
beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-replicas-"));
  world = await replicated({ mediaDir, rateLimitFactor: 1_000 }, true);
  api = world.api;
  degradable = await openDegradable(api);
});
afterAll(async () => {
  await world.close();
  await rm(mediaDir, { recursive: true });
});
beforeEach(() => world.untilState("near"));

type Product = { id: string; title: string; variants: { id: string }[] };

const admin = (method: string, path: string, json?: unknown, handle = api.app) =>
  handle.handle(
    new Request(`http://localhost${path}`, {
      method,
      headers: {
        authorization: `Bearer ${api.keys.secret}`,
        "if-match": "*",
        "content-type": "application/json",
      },
      body: json === undefined ? null : JSON.stringify(json),
    }),
  );
const shop = (path: string) => api.request("GET", path, { key: api.keys.publishable });

async function make(): Promise<Product> {
  const json = { title: "Mug 0", status: "active", variants: [{ price: { amountMinor: 1_000 } }] };
  return (await (await admin("POST", "/admin/products", json)).json()) as Product;
}

const titleOf = async (id: string) => ((await (await shop(`/store/products/${id}`)).json()) as Product).title;

/** Of the reads of one kind: how many went each way so far. */
async function counts(kind: "kept" | "history"): Promise<Record<string, number>> {
  const metric = await api.deps.metrics.registry.getSingleMetric("tradewind_replica_reads_total")!.get();
  const own = metric.values.filter(one => one.labels.kind === kind);
  return Object.fromEntries(own.map(one => [one.labels.outcome, one.value]));
}

/** Statements of the primary that read what belongs to the shop. */
const primaryReads = async (work: () => Promise<unknown>) =>
  (await api.statements.during(work)).filter(one =>
    /\b(?:catalog|pricing|storefront|collections|orders|audit|inventory)\.|search\.document/.test(one),
  );

/** The replica has everything that was answered until now. */
async function untilReplayed(): Promise<void> {
  const now = performance.now();
  const replicas = replicasOf(api.deps)!;
  await until(() => (replicas.nearest()?.moment.atMs ?? 0) > now, { timeoutMs: 60_000, what: "replay" });
}

/** The replica does it alone; perhaps not at the first try, when the machine is busy. */
async function byReplica(kind: "kept" | "history", ask: () => Promise<Response>): Promise<void> {
  const isRead = async () => {
    await untilReplayed();
    const before = await counts(kind);
    const read = await primaryReads(async () => expect((await ask()).status).toBe(200));
    const after = await counts(kind);
    return read.length === 0 && (after.replica ?? 0) > (before.replica ?? 0);
  };
  await until(isRead, { timeoutMs: 60_000, what: `a ${kind} read of the replica alone` });
}

/** One more node on the same database, which hears of changes by the log alone. */
function otherNode() {
  const deps = { ...api.deps, metrics: createMetrics("other") };
  const app = createApp(deps);
  const stop = () => {
    cacheOf(deps).stop();
    replicasOf(deps)!.stop();
  };
  return { deps, app, stop };
}

test("the catalog and histories are read from the replica, and the primary is not asked", async () => {
  // What is kept is not read again: each try asks for something else.
  let n = 0;
  const products: Product[] = [];
  for (let i = 0; i < 5; i++) products.push(await make());
  await byReplica("kept", () => shop(`/store/products/${products[n++ % products.length]!.id}`));
  await byReplica("kept", () => shop(`/store/products?limit=${++n}`));
  await byReplica("kept", () => shop(`/store/categories?limit=${++n}`));
  await byReplica("kept", () => shop(`/store/collections?limit=${++n}`));
  await byReplica("history", () => admin("GET", "/admin/orders"));
  await byReplica("history", () => admin("GET", "/admin/audit"));
  await byReplica("history", () => admin("GET", "/admin/inventory/adjustments"));
  await byReplica("history", () => admin("GET", "/admin/inventory"));
  await byReplica("history", () => admin("GET", "/admin/search/analytics"));
  await byReplica("history", () => shop(`/store/search?q=mug&limit=${1 + (++n % 100)}`));
});

test("what a customer bought, what became of an order, what sells and a merchant's figures are read there too", async () => {
  let n = 0;
  const account = { email: "ada@example.com", password: "correct horse battery" };
  const front = degradable.ask(request => api.app.handle(request));
  await front("POST", "/store/customers", account);
  const { token } = (await (await front("POST", "/store/sessions", account)).json()) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const orderId = degradable.orderPath.split("/").at(-1);
  const { publishable: key } = api.keys;
  await byReplica("history", () => api.request("GET", "/store/customers/me/orders", { key, headers }));
  await byReplica("history", () => admin("GET", `/admin/orders/${orderId}/timeline`));
  await byReplica("kept", () => shop(`/store/products?sort=popularity&limit=${++n}`));
  await byReplica("kept", () => admin("GET", `/admin/dashboard?days=${1 + (++n % 90)}`));
});

test("whoever wrote reads what they wrote, by any node, though replay has stopped", async () => {
  const node = otherNode();
  const { id } = await make();
  const lastEdit = async () => {
    const answer = await admin("GET", `/admin/audit?entityId=${id}&limit=1`, undefined, node.app);
    const { items } = (await answer.json()) as { items: { changes: { title?: { after: string } } }[] };
    return items[0]?.changes.title?.after;
  };
  await until(() => replicasOf(node.deps)!.states()[0]!.state === "near", { timeoutMs: 60_000 });
  for (let i = 1; i <= 20; i++) {
    if (i === 12) await world.pause();
    const title = `Mug ${i}`;
    expect((await admin("PATCH", `/admin/products/${id}`, { title })).status).toBe(200);
    expect([await titleOf(id), await lastEdit()]).toEqual([title, title]);
  }
  await world.resume();
  node.stop();
});

test("one that replays no more is left out, and seen to be; it is read again when it goes on", async () => {
  await world.pause();
  // A quiet primary makes no lag.
  await world.untilState("near");
  const writing = setInterval(() => void make(), 100);
  await world.untilState("behind");
  clearInterval(writing);
  const { dependencies } = (await (await shop("/readyz")).json()) as {
    dependencies: { name: string; state: string; needed: boolean }[];
  };
  expect(dependencies.find(one => one.name === "replicas")).toMatchObject({
    state: "degraded",
    needed: false,
  });
  const before = await counts("history");
  expect((await admin("GET", "/admin/orders")).status).toBe(200);
  expect(await counts("history")).toEqual({ ...before, primary: (before.primary ?? 0) + 1 });
  await degradable.expectAnswers(request => api.app.handle(request), situations.replicaBehind.answers);
  await world.resume();
  await world.untilState("near");
  await byReplica("history", () => admin("GET", "/admin/orders"));
});

/** Reads of all kinds, without an end, until it is stopped; then the statuses that were given. */
function keepReading() {
  const statuses = new Map<number, number>();
  let isOver = false;
  const loop = async (ask: () => Promise<Response>) => {
    while (!isOver) {
      const { status } = await ask();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await Bun.sleep(1);
    }
  };
  let n = 0;
  const loops = [
    loop(() => shop(`/store/products?limit=${1 + (++n % 100)}&sort=title`)),
    loop(async () => {
      await api.sql`SELECT platform.invalidate(ARRAY[${`list:${api.store.id}:`}], false, NULL)`;
      return shop(`/store/collections?limit=${1 + (++n % 250)}`);
    }),
    loop(() => admin("GET", "/admin/audit")),
  ];
  return async () => {
    isOver = true;
    await Promise.all(loops);
    return [...statuses.keys()];
  };
}

test("one that is killed costs nobody an answer, and is read again when it is back", async () => {
  const stop = keepReading();
  await world.kill();
  await world.untilState("away");
  const before = await counts("history");
  await until(async () => ((await counts("history")).primary ?? 0) > (before.primary ?? 0) + 3, {
    timeoutMs: 60_000,
  });
  await degradable.expectAnswers(request => api.app.handle(request), situations.replicaDown.answers);
  await world.restart();
  await world.untilState("near");
  expect(await stop()).toEqual([200]);
  await byReplica("history", () => admin("GET", "/admin/orders"));
});

test("one that hangs keeps nobody waiting for it, and is read again when it goes on", async () => {
  const stop = keepReading();
  world.door.freeze();
  await world.untilState("away");
  // Whoever was waiting for it has been answered, or this would not end.
  expect(await stop()).toEqual([200]);
  expect((await admin("GET", "/admin/audit")).status).toBe(200);
  await degradable.expectAnswers(request => api.app.handle(request), situations.replicaFrozen.answers);
  world.door.thaw();
  await world.untilState("near");
  await byReplica("history", () => admin("GET", "/admin/orders"));
});

test("a statement that a replica cancels, to go on replaying, is done on the primary", async () => {
  await world.standby`ALTER SYSTEM SET max_standby_streaming_delay = 0`;
  await world.standby`SELECT pg_reload_conf()`;
  await api.sql`CREATE TABLE public.conflict (n int)`;
  await untilReplayed();
  const replicas = replicasOf(api.deps)!;
  let asked: string[] = [];
  const conflict = async () => {
    const isHeld = async () => {
      const [lock] = await world.standby`
        SELECT count(*)::int AS held FROM pg_locks WHERE relation = 'public.conflict'::regclass AND granted`;
      return lock!.held > 0;
    };
    await until(isHeld, { timeoutMs: 60_000 });
    await api.sql`TRUNCATE public.conflict`;
  };
  const read = () =>
    replicas.read(async db => {
      const [row] = await db<[{ where: string }]>`
        SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END AS where`;
      asked.push(row.where);
      if (row.where === "primary") return row.where;
      const held = db`SELECT pg_sleep(30) FROM (SELECT count(*) FROM public.conflict) c`.execute();
      await Promise.all([held, conflict()]);
      return "never";
    });
  // On a busy machine the replica may not be asked at first.
  await until(
    async () => {
      asked = [];
      expect(await read()).toBe("primary");
      return asked[0] === "replica";
    },
    { timeoutMs: 60_000 },
  );
  expect(asked).toEqual(["replica", "primary"]);
});

test("what is no replica of this database is never read", async () => {
  const metrics = createMetrics("wrong");
  const asked: Db[] = [];
  const wrong = new Replicas({
    ...{ sql: api.sql, log: silentLog, metrics, application: "test", max: 1 },
    urls: [world.primaryUrl, "postgres://nobody@127.0.0.1:1/nothing"],
  });
  for (let i = 0; i < 20; i++) {
    await wrong.read(async db => asked.push(db));
    await Bun.sleep(20);
  }
  expect(new Set(asked)).toEqual(new Set([api.sql]));
  expect(wrong.states().map(one => one.state)).toEqual(["away", "away"]);
  wrong.stop();
});
