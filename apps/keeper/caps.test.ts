/** Caps on the server are what operators set, whoever had the last word there. */
import { expect, test } from "bun:test";
import { type Bus, type Contract, contractOf, openBus } from "../../bus/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { silentLog } from "../../platform/log.ts";
import { freshDatabase, freshNats, until } from "../../platform/testing/index.ts";
import { startKeeper } from "./keeper.ts";

const sleep = contractOf("drill.sleep.low")!;

async function enforced(bus: Bus, { priority, kind }: Contract): Promise<number> {
  const info = await bus.connection.jsm.consumers.info(priority.toUpperCase(), kind.replaceAll(".", "_"));
  return info.config.max_ack_pending!;
}

test("a cap that came late from a slower process gives way to the one that was set last", async () => {
  const [{ sql, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const keeper = await startKeeper({ bus, sql, log: silentLog, clock: systemClock, chores: [] });
  try {
    await bus.setKind(sleep, { cap: 3 });
    await bus.setKind(sleep, { cap: 7 });
    // A process that was held up after it had been told of the first one.
    await bus.applyCap(sleep, 3);
    expect(await enforced(bus, sleep)).toBe(3);
    await until(async () => (await enforced(bus, sleep)) === 7, { what: "the last cap" });
  } finally {
    await keeper.stop();
    await bus.close();
    await drop();
    await nats.release();
  }
});
