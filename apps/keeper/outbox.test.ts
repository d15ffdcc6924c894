/** The outbox while NATS is away: requests go on, and what was accepted is done when it is back. */
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, BusUnavailable, contractOf, enqueue, openBus } from "../../bus/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { silentLog } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { type RunningServer, startNats } from "../cluster/servers/index.ts";
import { startKeeper } from "./keeper.ts";

const noop = contractOf("drill.noop.high")!;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-outbox-"));
  const { sql, drop } = await freshDatabase();
  const context = { dataDir: join(dir, "nats"), logDir: dir, binDir: dir, throwAway: true };
  const start = (port?: number) => startNats({ ...context, port }, { secret: "outbox" });
  const server: { now: RunningServer } = { now: await start() };
  const bus = openBus({ url: server.now.url, name: "test", log: silentLog, sql });
  const keeper = await startKeeper({ bus, sql, log: silentLog, clock: systemClock, chores: [] });
  closers.push(
    () => rm(dir, { recursive: true, force: true }),
    drop,
    () => server.now.stop(),
    () => bus.close(),
    () => keeper.stop(),
  );
  return { sql, bus, server, restart: () => start(server.now.port) };
}

async function enqueueMany(sql: Db, bus: Bus, count: number): Promise<string[]> {
  // Of ten stores: one alone would fill its window.
  const jobs = Array.from({ length: count }, (_, i) => ({
    contract: noop,
    payload: {},
    storeId: `store_${i % 10}`,
  }));
  const ids = await Promise.all(jobs.map(job => enqueue(sql, job)));
  bus.poke();
  return ids;
}

async function rowsLeft(sql: Db): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) AS count FROM bus.outbox`;
  return row!.count;
}

test("rows are kept while NATS is killed and all are published, each once, when it is back", async () => {
  const { sql, bus, server, restart } = await setup();
  const before = await enqueueMany(sql, bus, 100);
  await until(async () => (await rowsLeft(sql)) === 0, { what: "an empty outbox" });

  process.kill(server.now.pid, "SIGKILL");
  await until(() => !bus.isConnected, { what: "the loss of the connection" });
  const during = await enqueueMany(sql, bus, 200);
  expect(await rowsLeft(sql)).toBe(200);

  server.now = await restart();
  await until(async () => (await rowsLeft(sql)) === 0, { what: "an empty outbox" });
  const { state } = await bus.connection.jsm.streams.info("HIGH");
  expect(state.messages).toBe(300);
  const ids = [...before, ...during];
  const ledger = await sql<{ status: string }[]>`SELECT status FROM bus.job WHERE id = ANY(${ids}::uuid[])`;
  expect(ledger).toHaveLength(300);
  expect(new Set(ledger.map(row => row.status))).toEqual(new Set(["queued"]));
});

test("a cap that was set but not applied is applied by a keeper", async () => {
  const { bus } = await setup();
  const kv = await bus.connection.js.views.kv("TW_KINDS");
  await kv.put(noop.kind, JSON.stringify({ cap: 7 }));
  const cap = async () =>
    (await bus.connection.jsm.consumers.info("HIGH", "drill_noop_high")).config.max_ack_pending;
  await until(async () => (await cap()) === 7, { what: "the cap on the consumer" });
});

/** Its threads may still answer for a moment after the signal. */
function hasStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return "TZX".includes(stat[stat.lastIndexOf(")") + 2]!);
  } catch {
    return true;
  }
}

test("who asks a server that hangs or is gone hears soon that it is away", async () => {
  const { bus, server } = await setup();
  await bus.viewPools();
  for (const signal of ["SIGSTOP", "SIGKILL"]) {
    process.kill(server.now.pid, signal);
    await until(() => hasStopped(server.now.pid), { what: "a server that does nothing any more" });
    const since = performance.now();
    const asked = [
      bus.viewPools(),
      bus.setKind(noop, { cap: 9 }),
      bus.setPool("low", { processes: 2 }),
      bus.ping(),
    ];
    const answers = await Promise.allSettled(asked);
    for (const answer of answers)
      expect(answer.status === "rejected" && answer.reason).toBeInstanceOf(BusUnavailable);
    expect(performance.now() - since).toBeLessThan(2_000);
  }
});

test("a pause and a target reach everybody as soon as a server that was killed is back", async () => {
  const { sql, bus, server, restart } = await setup();
  const other = openBus({ url: server.now.url, name: "other", log: silentLog, sql });
  closers.push(() => other.close());
  await other.ready;
  let target = 0;
  closers.push(
    await other.targets
      .watch({ onWish: (_, wish) => (target = wish.processes ?? 0) })
      .then(stop => async () => stop()),
  );
  process.kill(server.now.pid, "SIGKILL");
  await until(() => !bus.isConnected && !other.isConnected, { what: "the loss of the connections" });
  server.now = await restart();
  await until(() => bus.isConnected && other.isConnected, { what: "new connections" });

  await bus.setKind(noop, { paused: true });
  await bus.setPool("low", { processes: 3 });
  const heard = () => other.kinds.state(noop).paused && target === 3;
  await until(heard, { timeoutMs: 2_000, what: "pause and target" });
});

test("after NATS was away nobody is taken for dead before all had time to send a heartbeat", async () => {
  const { bus, server, restart } = await setup();
  await bus.registry.allLive();
  process.kill(server.now.pid, "SIGKILL");
  await until(() => !bus.isConnected, { what: "the loss of the connection" });
  server.now = await restart();
  await until(() => bus.isConnected, { what: "a new connection" });
  expect(await bus.registry.live()).toEqual([]);
  await expect(bus.registry.allLive()).rejects.toThrow("not known yet");
  await until(() => bus.registry.allLive(), { what: "a registry to conclude from" });
});
