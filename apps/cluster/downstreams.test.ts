/** What becomes of jobs while SMTP or the search engine is away: real servers, killed and started again. */
import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { type Contract, contractOf, done, type LedgerJob, searchIndex } from "../../bus/index.ts";
import { buy, fillCart, openShop } from "../../commerce/checkout/shop.fixture.ts";
import { loadConfig } from "../../platform/config.ts";
import { newSecret } from "../../platform/secrets.ts";
import { testServers, until } from "../../platform/testing/index.ts";
import { defineJob } from "../../workers/handler.ts";
import { type TestCluster, testCluster } from "../../workers/testing.ts";
import { freePort } from "./ports.ts";
import { startMeilisearch } from "./servers/index.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-downstreams-"));
  closers.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A mail catcher in a process of its own, on one port through all its lives. */
async function mailServer() {
  const [home, token] = [await folder(), newSecret()];
  const [smtpPort, httpPort] = [await freePort(), await freePort()];
  const [smtpUrl, mailboxUrl] = [
    `smtp://tradewind:${token}@127.0.0.1:${smtpPort}`,
    `http://127.0.0.1:${httpPort}`,
  ];
  let child: Subprocess | undefined;
  const server = {
    smtpUrl,
    async start() {
      child = Bun.spawn([process.execPath, join(import.meta.dir, "..", "mailcatcher", "main.ts")], {
        env: {
          PATH: process.env.PATH ?? "",
          TRADEWIND_HOME: home,
          SMTP_URL: smtpUrl,
          TRADEWIND_MAILBOX_URL: mailboxUrl,
          TRADEWIND_STACK_TOKEN: token,
          TRADEWIND_LOG_LEVEL: "silent",
        },
        stdout: "ignore",
        stderr: "inherit",
      });
      await until(async () => (await server.mails()) >= 0, { what: "a mail catcher" });
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
    },
    async mails(): Promise<number> {
      const response = await fetch(`${mailboxUrl}/mails?limit=100`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return ((await response.json()) as { items: unknown[] }).items.length;
    },
  };
  closers.push(server.kill);
  await server.start();
  return server;
}

async function shopCluster(env: Record<string, string>) {
  const shop = await openShop([10_000]);
  const cluster = await testCluster({ database: shop, env: { TRADEWIND_HOME: await folder(), ...env } });
  closers.push(() => cluster.close());
  return { shop, cluster };
}

async function kindOf(cluster: TestCluster, kind: string) {
  const { pools } = await cluster.bus.viewPools();
  return pools.flatMap(pool => pool.kinds).find(one => one.kind === kind)!;
}

const workers = (cluster: TestCluster, count: number) =>
  until(async () => (await cluster.bus.registry.live()).length === count, { what: `${count} workers` });

async function jobsOf(cluster: TestCluster, kind: string): Promise<Pick<LedgerJob, "status" | "attempt">[]> {
  return cluster.sql`SELECT status, attempt FROM bus.job WHERE kind = ${kind}`;
}

test("while SMTP is away mails wait in two pool processes, burn no tries, and go out when it is back; others go on", async () => {
  const mail = await mailServer();
  const { shop, cluster } = await shopCluster({ SMTP_URL: mail.smtpUrl });
  cluster.spawnWorker("normal");
  cluster.spawnWorker("normal");
  const order = async (count: number) => {
    for (let i = 0; i < count; i++) await buy(shop, (await fillCart(shop, [[0, 1]])).id);
    cluster.bus.poke();
  };
  await order(3);
  await until(async () => (await mail.mails()) === 3, { what: "the first mails" });
  await workers(cluster, 2);

  await mail.kill();
  await order(20);
  const paused = await until(
    async () => {
      const kind = await kindOf(cluster, "email.send");
      return kind.paused && kind.pauses.length > 0 && kind;
    },
    { what: "the pause" },
  );
  expect(paused.pauses).toMatchObject([{ by: "downstream", since: expect.any(String) }]);
  expect(paused.pauses[0]!.reason).toMatch(/^smtp: .*(ECONNREFUSED|connect|closed)/i);
  expect((await cluster.ended(await cluster.enqueue("drill.noop.normal"))).status).toBe("done");
  expect((await kindOf(cluster, "drill.noop.normal")).paused).toBe(false);
  // Longer than what is put back rests: it waits in the stream then, and nobody takes it.
  await until(async () => (await kindOf(cluster, "email.send")).waiting === 20, {
    what: "20 mails that wait",
  });

  await mail.start();
  await until(async () => (await mail.mails()) === 23, { timeoutMs: 30_000, what: "all mails" });
  await until(async () => (await jobsOf(cluster, "email.send")).every(job => job.status === "done"));
  const ended = await jobsOf(cluster, "email.send");
  expect(ended).toHaveLength(23);
  expect(ended.filter(job => job.attempt !== 1)).toEqual([]);
  await until(async () => (await kindOf(cluster, "email.send")).pauses.length === 0, { what: "no pause" });
}, 90_000);

test.skipIf((await testServers()).meiliUrl === null)(
  "while the search engine is away its jobs wait and burn no tries, and are done when it is back",
  async () => {
    const dir = await folder();
    const secret = newSecret();
    const config = loadConfig(process.env);
    const context = {
      dataDir: join(dir, "meilisearch"),
      logDir: dir,
      binDir: join(resolve(config.home), "packages"),
      throwAway: true,
    };
    const start = (port?: number) => startMeilisearch({ ...context, port }, { secret, bin: config.meiliBin });
    let engine = (await start())!;
    closers.push(() => engine.stop());
    const { shop, cluster } = await shopCluster({ MEILI_URL: engine.url, MEILI_KEY: secret });
    cluster.spawnWorker("normal");
    await workers(cluster, 1);
    const storeId = shop.store.id;
    const index = () => cluster.enqueue(searchIndex.kind, { productId: shop.products[0]! }, { storeId });
    expect(await cluster.ended(await index())).toMatchObject({ status: "done", attempt: 1 });

    process.kill(engine.pid, "SIGKILL");
    const ids = await Promise.all(Array.from({ length: 10 }, index));
    await until(async () => (await kindOf(cluster, searchIndex.kind)).paused, {
      what: "the pause",
    });
    expect((await kindOf(cluster, searchIndex.kind)).pauses[0]!.reason).toStartWith("search: ");
    expect((await cluster.ended(await cluster.enqueue("drill.noop.normal"))).status).toBe("done");

    engine = (await start(engine.port))!;
    const ended = await cluster.allEnded(ids);
    expect(ended.map(job => [job.status, job.attempt])).toEqual(ids.map(() => ["done", 1]));
  },
  90_000,
);

test("one poisoned job ends as a dead letter and pauses nobody while its downstream works", async () => {
  const { smtpUrl } = await testServers();
  const { cluster } = await shopCluster({ SMTP_URL: smtpUrl });
  const contract: Contract = { ...contractOf("drill.noop.high")!, needs: "smtp", maxTries: 3 };
  let pauses = 0;
  await cluster.startPool("high", [
    defineJob(contract, () => ({
      async run({ key }) {
        if (key === "poison") throw new Error("connect ECONNREFUSED");
        return done();
      },
    })),
  ]);
  const watch = setInterval(async () => {
    for (const worker of await cluster.bus.registry.live()) if (worker.away?.smtp) pauses++;
  }, 50);
  closers.push(async () => clearInterval(watch));
  const poison = await cluster.enqueue(contract.kind, {}, { key: "poison" });
  const others = await Promise.all(Array.from({ length: 50 }, () => cluster.enqueue(contract.kind)));
  expect((await cluster.allEnded(others)).every(job => job.status === "done" && job.attempt === 1)).toBe(
    true,
  );
  expect(await cluster.ended(poison)).toMatchObject({ status: "dead", attempt: 3 });
  expect(pauses).toBe(0);
}, 60_000);
