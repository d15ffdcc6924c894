import { afterEach, expect, test } from "bun:test";
import { contractOf, openBus, type Schedule } from "../../bus/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { freshDatabase, freshNats, until } from "../../platform/testing/index.ts";
import { startKeeper } from "./keeper.ts";
import { scheduleChore } from "./schedule.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const everySecond: Schedule = {
  name: "test.every_second",
  about: "a test",
  cron: "* * * * * *",
  contract: contractOf("drill.noop.low")!,
  payload: {} as never,
  overlap: "allow",
};

test("two keepers fire each tick once, and go on when one of them leaves", async () => {
  const [{ sql, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  closers.push(drop, nats.release);
  const start = async () => {
    const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
    const chores = [scheduleChore({ config: loadConfig({}), sql, log: silentLog, bus }, [everySecond])];
    const keeper = await startKeeper({ bus, sql, log: silentLog, clock: systemClock, chores });
    const stop = async () => {
      await keeper.stop();
      await bus.close();
    };
    return { bus, stop };
  };
  const [one, two] = await Promise.all([start(), start()]);
  closers.push(two.stop);
  const ticks = () => sql<{ tick: Date; jobId: string }[]>`
    SELECT tick, job_id AS "jobId" FROM bus.tick ORDER BY tick`;
  await until(async () => (await ticks()).length >= 2, { what: "two ticks" });
  await one.stop();
  const before = (await ticks()).length;
  await until(async () => (await ticks()).length >= before + 2, { what: "two further ticks" });

  const fired = await ticks();
  expect(fired.every(({ tick }) => tick.getMilliseconds() === 0)).toBe(true);
  const ledger = () => sql`
    SELECT id FROM bus.job WHERE id = ANY(${fired.map(one => one.jobId)}::uuid[])`;
  await until(async () => (await ledger()).length === fired.length, { what: "their jobs" });
}, 120_000);
