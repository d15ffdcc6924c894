import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listImports, runImport } from "../../commerce/imports/index.ts";
import { convertAsset, listAssets } from "../../media/index.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { newTraceparent } from "../../platform/trace.ts";
import { type TestApi, testApi } from "../api/testing.ts";
import { modules } from "../migrations.ts";
import { type Line, type LineOptions, runLine } from "./testing.ts";

setDefaultTimeout(30_000);

let home: string;
let api: TestApi;
let server: Bun.Server<undefined>;
let databaseUrl: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "cli-"));
  api = await testApi({ nats: true, config: { mediaDir: join(home, "media") } });
  databaseUrl = urlOf(api);
  server = Bun.serve({ port: 0, fetch: api.app.fetch });
  await Bun.write(
    join(home, "stack.json"),
    JSON.stringify({ api: server.url.origin, nodes: [server.url.origin], keys: api.keys, databaseUrl }),
  );
});

afterEach(async () => {
  await server.stop(true);
  await api.close();
  await rm(home, { recursive: true });
});

const cli = (line: string | string[], { env, tty }: LineOptions = {}): Promise<Line> =>
  runLine(line, { env: { TRADEWIND_HOME: home, ...env }, tty });

function urlOf({ sql }: TestApi): string {
  const { host, port, user, pass, database } = sql.options as unknown as Record<string, unknown>;
  const password = typeof pass === "string" ? pass : "";
  return `postgres://${user}:${password}@${(host as string[])[0]}:${(port as number[])[0]}/${database}`;
}

describe("operators", () => {
  test("failures are one line that says what to do, as JSON on demand", async () => {
    const gone = await cli("status", { env: { TRADEWIND_API: "http://127.0.0.1:1" } });
    expect([gone.code, gone.err.includes("bun run start")]).toEqual([1, true]);
    const noKey = await cli("status --json", { env: { TRADEWIND_HOME: "/nowhere" } });
    expect(noKey.code).toBe(1);
    expect(JSON.parse(noKey.err).error).toMatchObject({ code: "no_key" });
    const badKey = await cli("pools", { env: { TRADEWIND_OPS_KEY: `op_${"0".repeat(32)}` } });
    expect([badKey.code, badKey.err.includes("TRADEWIND_OPS_KEY")]).toEqual([1, true]);
    expect(await cli("kinds pause email.fax")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no such kind"),
    });
  });

  test("status shows nodes, pools, outbox and dead letters", async () => {
    const { code, out } = await cli("status");
    expect(code).toBe(0);
    expect(out).toMatch(/dead letters +0/);
    expect(out).toMatch(/outbox +0 waiting, 0 held, 0 delayed/);
    expect(out).toContain("stock.commit");
    expect(out).not.toContain("drill.");
    const json = JSON.parse((await cli("status --json")).out);
    expect(json).toMatchObject({ dead: 0, outbox: { due: 0 }, nodes: [{ ready: true }] });
    expect(json.pools).toHaveLength(3);
  });

  test("pools are scaled, kinds capped, paused and resumed", async () => {
    expect((await cli("pools scale high 4")).out).toMatch(/high +4 +manual /);
    const auto = JSON.parse((await cli("pools auto high --floor 2 --ceiling 6 --json")).out);
    expect(auto.pools[0]).toMatchObject({ mode: "auto", floor: 2, ceiling: 6 });
    expect(auto.autoscaler).toBeNull();
    expect(await cli("pools auto high --floor 7 --ceiling 6")).toMatchObject({ code: 1, out: "" });
    expect((await cli("pools auto high")).out).toContain("no keeper has decided yet");
    expect(JSON.parse((await cli("kinds cap email.send 3 --json")).out)).toMatchObject({
      cap: 3,
      paused: false,
    });
    expect((await cli("kinds pause email.send")).out).toMatch(/email\.send .* 3 +yes/);
    expect((await cli("kinds rate email.send 100/minute --burst 5")).out).toMatch(/ 3 +100\/minute +yes/);
    expect(JSON.parse((await cli("kinds rate email.send off --json")).out)).toMatchObject({ rate: null });
    expect(await cli("kinds rate email.send 100/day")).toMatchObject({ code: 2 });
    expect((await cli("pools pause low")).out).toMatch(/low +default \(paused\)/);
    expect(JSON.parse((await cli("pools resume low --json")).out).pools[2]).toMatchObject({ paused: false });
    expect(await cli("pools pause urgent")).toMatchObject({ code: 2 });
    expect(JSON.parse((await cli("--json kinds resume email.send")).out).paused).toBe(false);
    expect((await cli("kinds list")).out).toContain("drill.noop.low");
  });

  test("a sale is switched by itself, or with the queue of a store's flash sale", async () => {
    expect((await cli("sale on")).out).toStartWith("sale: on since 20");
    const low = async () => JSON.parse((await cli("pools --json")).out).pools[2].kinds;
    for (const kind of await low()) expect(kind).toMatchObject({ paused: true, pauses: [{ by: "sale" }] });
    expect(JSON.parse((await cli("sale off --json")).out)).toEqual({ on: false, since: null });

    const on = JSON.parse((await cli("flash on --json")).out);
    expect(on).toMatchObject({ on: true, sale: { on: true } });
    expect((await cli("flash on --queue-only")).out).toBe("flash mode of the store: on\n");
    expect((await cli("sale status")).out).toStartWith("sale: on");
    expect(JSON.parse((await cli("flash off --json")).out)).toMatchObject({ on: false, sale: { on: false } });
    const off = await low();
    expect(off.every(({ paused }: { paused: boolean }) => !paused)).toBe(true);
  });

  test("jobs are found by key and shown", async () => {
    const json = { kind: "drill.noop.low", key: "drill:find-me" };
    const { id } = (await (await api.request("POST", "/ops/jobs", { json, key: api.keys.ops })).json()) as {
      id: string;
    };
    expect((await cli("jobs find drill:find-me")).out).toContain(id);
    expect((await cli("jobs find drill:nobody")).out).toBe("no such jobs\n");
    expect((await cli(`jobs show ${id}`)).out).toMatch(/status +queued/);
    expect((await cli("jobs show 1")).code).toBe(1);
    expect((await cli("jobs find drill:find-me --since 2100-01-01T00:00:00Z")).out).toBe("no such jobs\n");
    expect((await cli("jobs find drill:find-me --until soon")).code).toBe(1);
    const timeline = () => cli("jobs timeline drill:find-me");
    await until(async () => /request +POST \/ops\/jobs 202/.test((await timeline()).out));
    expect((await timeline()).out).toMatch(/job\.queued +drill\.noop\.low/);
    expect((await cli("jobs timeline drill:nobody")).out).toBe("nothing is known of this key\n");
  });

  test("jobs that wait are listed, watched and cancelled", async () => {
    const add = async (json: object) => {
      const response = await api.request("POST", "/ops/jobs", { json, key: api.keys.ops });
      return ((await response.json()) as { id: string }).id;
    };
    const late = await add({ kind: "drill.noop.low", delayMs: 3_600_000 });
    expect((await cli("jobs list")).out).toContain(late);
    expect((await cli("jobs list --kind drill.noop.high")).out).toBe("no such jobs\n");
    expect(JSON.parse((await cli("jobs list --json")).out).items[0].runAt).toBeString();
    const told = { fraction: 0.5, done: 2, total: 4, note: "rows", attempt: 1, worker: "w", at: "" };
    await api.bus.progress.prepare();
    const reporter = api.bus.progress.reporter({ id: late, attempt: 1 }, "w");
    reporter.step({ done: told.done, total: told.total, note: told.note });
    await until(() => api.bus.progress.read(late), { what: "its progress" });
    expect((await cli(`jobs progress ${late} --no-wait`)).out).toBe("delayed, 2 of 4 rows\n");
    const [watched, cancelled] = await Promise.all([
      cli(`jobs progress ${late}`, { tty: true }),
      cli(["jobs", "cancel", late, "--reason", "not wanted"]),
    ]);
    expect([cancelled.code, cancelled.out]).toEqual([0, "cancelled\n"]);
    expect(watched.code).toBe(1);
    expect(watched.out).toMatch(/status +cancelled/);
    expect(JSON.parse((await cli(`jobs cancel ${late} --json`)).out).error).toBe("not wanted");
    expect((await cli("jobs cancel 1")).code).toBe(1);
  });

  test("schedules are listed, paused, resumed and run", async () => {
    expect((await cli("cron list")).out).toMatch(/tidy\.ticks +37 3 \* \* \* +UTC/);
    expect((await cli(["cron", "pause", "tidy.ticks", "--note", "not now"])).out).toMatch(/yes .*not now/);
    const run = JSON.parse((await cli("cron run tidy.ticks --json")).out);
    expect(run.outcome).toBe("enqueued");
    expect((await cli("cron run tidy.ticks")).out).toBe(`still open: ${run.jobId}\n`);
    expect((await cli("cron ticks tidy.ticks")).out).toContain(run.jobId);
    expect(JSON.parse((await cli("cron resume tidy.ticks --json")).out).paused).toBe(false);
    expect(await cli("cron run nothing")).toMatchObject({
      code: 1,
      err: expect.stringContaining("schedule"),
    });
  });

  test("dead letters are listed, shown, replayed and discarded", async () => {
    const add = (id: string) => api.sql`
      INSERT INTO bus.dead (id, kind, version, store_id, key, payload, reason, error, stack, fingerprint, attempts,
                            traceparent, died_at)
      VALUES (${id}, 'drill.noop.low', 1, '-', 'drill:noop', '{}', 'failed', 'it broke', 'at x.ts:1', 'f1', 5,
              ${newTraceparent()}, now())`;
    expect((await cli("dead list")).out).toBe("no dead letters\n");
    for (const n of [1, 2, 3]) await add(`LOW:1:${n}`);
    const listed = await cli("dead list --limit 2");
    expect(listed.out).toMatch(/f1 +drill\.noop\.low +3/);
    expect(listed.out).toContain("more: --cursor ");
    expect((await cli("dead show LOW:1:1")).out).toContain("at x.ts:1");
    expect((await cli("dead discard LOW:1:1 --note known")).code).toBe(0);
    expect((await cli("dead replay LOW:1:2")).out).toBe("1 replayed\n");
    expect((await cli("dead replay LOW:1:2")).code).toBe(1);
    expect(JSON.parse((await cli("dead replay --all --json")).out).count).toBe(1);
    expect((await cli("dead list")).out).toBe("no dead letters\n");
    expect((await cli("dead list --status discarded")).out).toContain("LOW:1:1");

    for (const n of [4, 5, 6, 7]) await add(`LOW:1:${n}`);
    expect((await cli("dead groups")).out).toMatch(/f1 +drill\.noop\.low +4/);
    const begun = JSON.parse((await cli("dead canary --fingerprint f1 --size 2 --json")).out);
    expect(begun).toMatchObject({ status: "watching", replayed: 2 });
    expect((await cli("dead canaries")).out).toMatch(/f1 +watching +2/);
    expect((await cli(`dead canaries stop ${begun.id}`)).out).toMatch(/stopped by +operator/);
    expect((await cli(`dead canaries show ${begun.id}`)).out).toMatch(/replayed +2/);
    expect((await cli(`dead canaries stop ${begun.id}`)).code).toBe(1);
    expect((await cli("dead canary")).code).toBe(2);
    expect((await cli("dead discard --fingerprint f1")).code).toBe(2);
    expect((await cli(["dead", "discard", "--fingerprint", "f1", "--reason", "known"])).out).toBe(
      "2 discarded\n",
    );
  });
});

describe("merchants", () => {
  test("customers erase asks for an erasure, by mail address or id", async () => {
    const asked = JSON.parse((await cli("customers erase ada@example.org --no-wait --json")).out);
    expect(asked).toMatchObject({ status: "queued", account: false });
    const unknown = await cli("customers erase cus_00000000000000000000000000");
    expect([unknown.code, unknown.err.includes("customer")]).toEqual([1, true]);
  });

  const csv = `Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty
mug,Mug,Title,Default Title,MUG-1,12.50,5
hat,Hat,Title,Default Title,HAT-1,cheap,5
`;

  /** What a worker does with the import, once there is one. */
  async function work(): Promise<void> {
    const storage = openStorage(api.deps.config);
    const waiting = async () => (await listImports(api.sql, api.store.id, { limit: 1 })).items[0];
    await until(async () => (await waiting()) !== undefined);
    const origin = { storeId: api.store.id, traceparent: newTraceparent() };
    await runImport(
      { sql: api.sql, storage },
      origin as never,
      (await waiting())!.id,
      new AbortController().signal,
    );
  }

  test("import sends a file, waits and prints counts and bad rows", async () => {
    const file = join(home, "products.csv");
    await Bun.write(file, csv);
    const [result] = await Promise.all([cli(["import", file, "--inventory", "set"], { tty: true }), work()]);
    expect(result.code).toBe(0);
    expect(result.out).toMatch(/status +done/);
    expect(result.out).toMatch(/products +1/);
    expect(result.out).toMatch(/3 +Variant Price/);
    expect(result.err).toContain("sending products.csv [");
    const quiet = await cli(["import", file, "--no-wait", "--json"]);
    expect([JSON.parse(quiet.out).status, quiet.err]).toEqual(["queued", ""]);
  });

  test("import refuses a missing file, a folder and what is no CSV", async () => {
    expect((await cli("import nowhere.csv")).err).toContain("there is no such file");
    expect((await cli(["import", home])).err).toContain("is not a file");
    const file = join(home, "picture.csv");
    await Bun.write(file, "hello");
    const refused = await cli(["import", file]);
    expect(refused.code).toBe(1);
    expect(refused.err.trimEnd().split("\n")).toHaveLength(1);
  });

  test("media upload waits until each picture is ready and tells which were refused", async () => {
    const sharp = (await import("sharp")).default;
    const good = join(home, 'a "good" one.png');
    await sharp({ create: { width: 400, height: 300, channels: 3, background: "#8899aa" } }).toFile(good);
    const bad = join(home, "bad.jpg");
    await Bun.write(bad, "MZ this is a program");
    const convert = async () => {
      const assets = () => listAssets(api.sql, api.store.id, { limit: 5 });
      await until(async () => (await assets()).length === 1);
      const origin = { storeId: api.store.id, traceparent: newTraceparent() };
      const conversion = { sql: api.sql, storage: openStorage(api.deps.config) };
      const signal = new AbortController().signal;
      await convertAsset(conversion, origin, (await assets())[0]!.id, { attempt: 1, signal });
    };
    const [result] = await Promise.all([cli(["media", "upload", good, bad, "--json"]), convert()]);
    expect(result.code).toBe(1);
    const { items } = JSON.parse(result.out);
    expect(items.map((one: { status: string }) => one.status)).toEqual(["ready", "refused"]);
    expect(items[0].variants.length).toBeGreaterThan(0);
    expect(items[1].error.message).toBeTruthy();
    const again = await cli(["media", "retry", items[0].id, "--json"]);
    expect([again.code, JSON.parse(again.out).items[0].error]).toEqual([1, "The asset has not failed."]);
    const gone = await cli(["media", "delete", items[0].id, "asset_nothing1", "--json"]);
    expect([gone.code, JSON.parse(gone.out).items.map((one: { done: boolean }) => one.done)]).toEqual([
      1,
      [true, false],
    ]);
    expect(await listAssets(api.sql, api.store.id, { limit: 5 })).toEqual([]);
  });
});

describe("the database", () => {
  test("migrate brings an empty database up to date, once", async () => {
    const empty = await freshDatabase();
    try {
      for (const schema of ["platform", ...modules.map(module => module.name)]) {
        await empty.sql.unsafe(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      }
      const env = { DATABASE_URL: empty.url };
      const none = await cli("stores list", { env });
      expect([none.code, none.err.includes("tradewind migrate")]).toEqual([1, true]);
      const dry = JSON.parse((await cli("migrate --dry-run --json", { env })).out);
      expect(dry.pending).toContain("bus/0001_bus.sql");
      expect(JSON.parse((await cli("migrate --json", { env })).out).applied).toEqual(dry.pending);
      expect((await cli("migrate", { env })).out).toBe("the database is up to date\n");
      expect((await cli("stores list", { env })).out).toBe("no stores\n");
    } finally {
      await empty.drop();
    }
  });

  test("stores and keys are created, listed and revoked", async () => {
    const store = JSON.parse(
      (await cli(["stores", "create", "Second store", "--currency", "USD", "--json"])).out,
    );
    expect(store).toMatchObject({ name: "Second store", currency: "USD" });
    expect((await cli("stores list")).out).toContain(store.id);
    expect((await cli(`stores quota ${store.id}`)).out).toContain("the deployment's setting");
    const quota = JSON.parse((await cli(`stores quota ${api.store.id} --gb 250 --json`)).out);
    expect(quota).toMatchObject({ maxBytes: 250_000_000_000, isOwn: true });
    expect((await cli("media usage")).out).toContain("of 250.00 GB (set for this store)");
    expect((await cli(`stores quota ${api.store.id} --default`)).out).toContain("the deployment's setting");
    expect((await cli(`stores quota ${api.store.id} --default --gb 5`)).code).toBe(2);
    expect((await cli("stores quota store_nowhere --gb 5")).code).toBe(1);
    expect((await cli(["stores", "create", "Third", "--currency", "euro"])).code).toBe(1);
    expect((await cli("keys create --kind secret")).err).toContain("--store is needed");
    const made = JSON.parse((await cli(`keys create --kind secret --store ${store.id} --json`)).out);
    expect(made.key).toStartWith("sk_");
    const listed = await cli(`keys list --store ${store.id}`);
    expect(listed.out).toContain(made.id);
    expect(listed.out).not.toContain(made.key);
    expect((await cli(`keys revoke ${made.id}`)).code).toBe(0);
    expect((await cli(`keys revoke ${made.id}`)).code).toBe(1);
    expect((await cli("keys create --kind ops")).out).toMatch(/^op_[0-9a-z]{32}\n$/);
  });

  test("a database that does not answer is one line", async () => {
    const env = { DATABASE_URL: "postgres://a:b@127.0.0.1:1/x" };
    const result = await cli("stores list", { env });
    expect([result.code, result.err]).toEqual([
      1,
      "tradewind: the database at 127.0.0.1:1 does not answer\n",
    ]);
  });
});
