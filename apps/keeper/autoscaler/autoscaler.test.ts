/** Two keepers, hosts that come and go, and operators, on real servers. */
import { afterEach, expect, test } from "bun:test";
import { type Bus, type Host, openBus, openLeadership, PlanRefused } from "../../../bus/index.ts";
import { systemClock } from "../../../platform/clock.ts";
import { loadConfig } from "../../../platform/config.ts";
import { silentLog } from "../../../platform/log.ts";
import { freshDatabase, freshNats, until } from "../../../platform/testing/index.ts";
import { policyOf, startAutoscaler } from "./index.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setup() {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const { sql, url: databaseUrl } = database;
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  closers.push(database.drop, nats.release, () => bus.close());
  const keeper = (name: string) => {
    const policy = policyOf(loadConfig({}));
    const autoscaler = startAutoscaler({
      bus,
      databaseUrl,
      policy,
      log: silentLog,
      clock: systemClock,
      name,
    });
    let stopping: Promise<void> | undefined;
    const stop = () => (stopping ??= autoscaler.stop());
    closers.push(stop);
    return { stop };
  };
  return { bus, sql, databaseUrl, keeper };
}

/** A supervisor's heartbeats, until it is stopped or leaves. */
function beating(bus: Bus, id: string) {
  const host: Host = { id, name: id, cores: 4, starts: { high: 1, normal: 1, low: 1 } };
  const beat = () => void bus.hosts.beat(host).catch(() => {});
  beat();
  const timer = setInterval(beat, 200);
  const vanish = async () => clearInterval(timer);
  closers.push(vanish);
  return {
    vanish,
    async leave() {
      await vanish();
      await bus.hosts.leave(id);
    },
  };
}

const shares = async (bus: Bus) =>
  Object.entries((await bus.targets.plan())?.hosts ?? {}).map(([id, host]) => [id, host.shares.high]);

async function untilShares(bus: Bus, wanted: [string, number][], timeoutMs = 30_000): Promise<void> {
  await until(async () => Bun.deepEquals(await shares(bus), wanted), {
    timeoutMs,
    what: `shares ${JSON.stringify(wanted)}`,
  });
}

test("one keeper leads; when it goes the other leads in a later epoch and leaves the totals alone", async () => {
  const { bus, keeper } = await setup();
  beating(bus, "a");
  const first = keeper("first");
  await untilShares(bus, [["a", 1]]);
  keeper("second");
  await bus.setPool("high", { processes: 3 });
  await untilShares(bus, [["a", 3]]);
  const before = (await bus.targets.plan())!;
  expect(before).toMatchObject({ leader: "first", pools: { high: { mode: "manual", total: 3 } } });
  await first.stop();
  const after = await until(async () => {
    const plan = await bus.targets.plan();
    return plan?.leader === "second" && plan;
  });
  expect(after.epoch).toBeGreaterThan(before.epoch);
  expect(after.hosts).toEqual(before.hosts);
});

test("a leader whose session was ended leads no longer, and what it decides late is refused", async () => {
  const { bus, sql, databaseUrl, keeper } = await setup();
  beating(bus, "a");
  const stale = openLeadership({ databaseUrl, name: "autoscaler", holder: "stale" });
  closers.push(() => stale.close());
  const epoch = (await stale.epoch())!;
  keeper("next");
  await sql`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid IN
              (SELECT pid FROM pg_stat_activity WHERE application_name = 'leader autoscaler')`;
  const plan = await until(async () => {
    const now = await bus.targets.plan();
    return now && now.epoch > epoch && now;
  });
  expect(plan.leader).toBe("next");
  expect(bus.targets.setPlan({ ...plan, epoch, leader: "stale" })).rejects.toBeInstanceOf(PlanRefused);
  expect(await stale.epoch()).toBeNull();
});

test("an operator's number is split over the hosts, moves when one leaves or vanishes, and holds until auto", async () => {
  const { bus, keeper } = await setup();
  const [a, b] = [beating(bus, "a"), beating(bus, "b")];
  keeper("only");
  await untilShares(bus, [
    ["a", 1],
    ["b", 1],
  ]);
  await bus.setPool("high", { processes: 5 });
  await untilShares(bus, [
    ["a", 3],
    ["b", 2],
  ]);
  await b.leave();
  await untilShares(bus, [["a", 5]]);
  beating(bus, "c");
  await untilShares(bus, [
    ["a", 3],
    ["c", 2],
  ]);
  await a.vanish();
  await untilShares(bus, [["c", 5]], 60_000);

  const { pools, autoscaler } = await bus.viewPools();
  expect(pools[0]).toMatchObject({ target: 5, mode: "manual", reason: "set by an operator" });
  expect(autoscaler).toMatchObject({
    leader: "only",
    hosts: [{ id: "c", shares: { high: 5 } }],
    decisions: [{ priority: "high", from: 2, to: 5 }],
  });
  await bus.setPool("high", { processes: null, ceiling: 2 });
  await untilShares(bus, [["c", 2]]);
  expect((await bus.viewPools()).pools[0]).toMatchObject({ mode: "auto", ceiling: 2 });
}, 60_000);
