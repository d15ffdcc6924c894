import { expect, test } from "bun:test";
import { openBus } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { Replicas } from "../../platform/replicas/index.ts";
import { freshDatabase, freshNats, until } from "../../platform/testing/index.ts";
import { keepGauges } from "./gauges.ts";

const MUTE = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });

test("a replica that is gone, mute or no replica is told as away, and all else as ever", async () => {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const metrics = createMetrics("keeper");
  const deps = { sql: database.sql, log: silentLog, metrics };
  const bus = openBus({ ...deps, url: nats.url, name: "keeper" });
  const urls = ["postgres://a@127.0.0.1:1/a", `postgres://a@127.0.0.1:${MUTE.port}/a`, database.url];
  const replicas = new Replicas({ ...deps, urls, application: "keeper", max: 1 });
  const each = { high: 1, normal: 1, low: 1 };
  try {
    await bus.ready;
    keepGauges({ ...deps, bus, replicas, targetAgeSeconds: each, memoryLimitMb: each });
    const told = async (name: string) => {
      const { values } = await metrics.registry.getSingleMetric(name)!.get();
      return values.map(one => [one.labels.replica, one.value]);
    };
    // What is not read in time comes with the next reading.
    const away = await until(
      async () => {
        const values = await told("tradewind_replica_away");
        return values.length > 0 && values;
      },
      { timeoutMs: 60_000 },
    );
    expect(away).toEqual(urls.map(url => [new URL(url).host, 1]));
    expect(await told("tradewind_replica_lag_seconds")).toEqual([]);
    expect((await told("tradewind_pool_target_age_seconds")).length).toBe(3);
  } finally {
    replicas.stop();
    await bus.close();
    MUTE.stop(true);
    await Promise.all([database.drop(), nats.release()]);
  }
}, 90_000);
