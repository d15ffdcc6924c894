/** Three NATS servers, of which one is lost: what the bus keeps there outlives it. */
import { afterEach, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { type Bus, openBus } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { freePort } from "./ports.ts";
import { findBinary } from "./servers/binaries.ts";

setDefaultTimeout(90_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startServers(): Promise<{ url: string; kill(name: string): void }> {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-nats-"));
  const { path, env } = await findBinary("nats-server", { explicit: undefined, dir });
  const ports = await Promise.all(Array.from({ length: 6 }, () => freePort()));
  const routes = ports.slice(3).map(port => `"nats://127.0.0.1:${port}"`);
  const servers = new Map<string, Subprocess>();
  for (let i = 0; i < 3; i++) {
    const file = join(dir, `${i}.conf`);
    await writeFile(
      file,
      `server_name: n${i}
listen: "127.0.0.1:${ports[i]}"
jetstream { store_dir: "${join(dir, String(i))}" }
cluster { name: test, listen: "127.0.0.1:${ports[i + 3]}", routes: [${routes.join(", ")}] }`,
    );
    servers.set(`n${i}`, Bun.spawn([path, "-c", file], { env, stdout: "ignore", stderr: "ignore" }));
  }
  closers.push(async () => {
    for (const server of servers.values()) server.kill("SIGKILL");
    await Promise.all([...servers.values()].map(server => server.exited));
    await rm(dir, { recursive: true, force: true });
  });
  const url = ports
    .slice(0, 3)
    .map(port => `nats://127.0.0.1:${port}`)
    .join(",");
  return { url, kill: name => servers.get(name)!.kill("SIGKILL") };
}

function open(url: string, sql: Db, replicas: number): Bus {
  const bus = openBus({ url, name: "test", log: silentLog, sql, replicas });
  closers.push(() => Promise.race([bus.close(), Bun.sleep(2_000)]));
  return bus;
}

test("the bus opens while servers elect their leaders, and what operators set outlives the loss of any one", async () => {
  const { sql, drop } = await freshDatabase();
  closers.push(drop);
  const servers = await startServers();
  // Made with one copy by a process that was not told better, as long ago.
  const before = open(servers.url, sql, 1);
  await before.ready;
  await before.targets.setWish("high", { processes: 2 });
  const bus = open(servers.url, sql, 3);
  await bus.ready;
  const bucket = () => bus.connection.jsm.streams.info("KV_TW_POOLS");
  const leader = await until(
    async () => {
      const { cluster } = await bucket();
      return cluster?.replicas?.filter(one => one.current).length === 2 && cluster.leader;
    },
    { timeoutMs: 20_000, what: "two copies beside the leader" },
  );
  servers.kill(leader);
  await until(async () => (await bus.targets.setWish("high", { ceiling: 4 })).ceiling === 4, {
    timeoutMs: 40_000,
    what: "another leader",
  });
  // A copy that lags behind may answer first.
  await until(
    async () => {
      const { processes, ceiling } = (await bus.targets.wishes()).high;
      return processes === 2 && ceiling === 4;
    },
    { what: "both wishes" },
  );
});
