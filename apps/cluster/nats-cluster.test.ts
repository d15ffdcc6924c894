/** Three NATS servers, of which one is lost: what the bus keeps there outlives it. */
import { afterEach, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { connect } from "nats";
import { type Bus, openBus } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { freePort } from "./ports.ts";
import { findBinary } from "./servers/binaries.ts";

/** The first may come to no leader, see `elects`. */
const CLUSTERS = 4;
const BUCKET = "KV_TW_POOLS";

setDefaultTimeout(240_000);
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

/**
 * Whether the servers that are left elect a leader of their own. Debian's 2.9.10 on a busy machine sometimes elects nobody for
 * minutes after a stream was scaled up, and then answers nobody, whoever asks.
 */
async function elects(url: string): Promise<boolean> {
  const asked = url.split(",").map(async servers => {
    const connection = await connect({ servers, reconnect: false, timeout: 2_000 });
    try {
      const manager = await connection.jetstreamManager({ checkAPI: false, timeout: 2_000 });
      return await until(
        async () => (await manager.getAccountInfo()) && (await manager.streams.info(BUCKET)).cluster?.leader,
        { timeoutMs: 30_000, what: "a leader" },
      );
    } finally {
      await connection.close();
    }
  });
  return Promise.any(asked).then(
    () => true,
    () => false,
  );
}

/** False when the servers came to no leader, so that nothing could be tried. */
async function losesOne(sql: Db): Promise<boolean> {
  const servers = await startServers();
  // Made with one copy by a process that was not told better, as long ago.
  const before = open(servers.url, sql, 1);
  await before.ready;
  await before.targets.setWish("high", { processes: 2 });
  const bus = open(servers.url, sql, 3);
  await bus.ready;
  const copied = () =>
    until(
      async () => {
        const { cluster } = await bus.connection.jsm.streams.info(BUCKET);
        return cluster?.replicas?.filter(one => one.current && !one.lag).length === 2 && cluster.leader;
      },
      { what: "two copies beside the leader" },
    );
  await copied();
  // New copies call themselves current before they have taken part in anything.
  await bus.targets.setWish("low", { processes: 1 });
  const leader = await copied();
  servers.kill(leader);
  if (!(await elects(servers.url))) return false;
  await until(async () => (await bus.targets.setWish("high", { ceiling: 4 })).ceiling === 4, {
    timeoutMs: 40_000,
    what: "a wish that the new leader takes",
  });
  // A copy that lags behind may answer first.
  await until(
    async () => {
      const { processes, ceiling } = (await bus.targets.wishes()).high;
      return processes === 2 && ceiling === 4;
    },
    { timeoutMs: 30_000, what: "both wishes" },
  );
  return true;
}

test("the bus opens while servers elect their leaders, and what operators set outlives the loss of any one", async () => {
  const { sql, drop } = await freshDatabase();
  closers.push(drop);
  for (let tries = 1; !(await losesOne(sql)); tries++) {
    if (tries === CLUSTERS) throw new Error(`${CLUSTERS} clusters in a row elected no leader`);
  }
});
