/** The throw-away servers of a test run, all under one temporary folder. */
import { chmod, mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../../platform/config.ts";
import { connect } from "../../platform/postgres/index.ts";
import { newSecret } from "../../platform/secrets.ts";
import { ensureTemplate, type TestStack } from "../../platform/testing/index.ts";
import { startMailcatcher } from "../mailcatcher/index.ts";
import { serveRedisRest } from "../redis-rest/index.ts";
import { findChromium } from "./browser.ts";
import { root } from "./install.ts";
import { startMeilisearch, startNats, startPostgres, startRedis } from "./servers/index.ts";

/** Enough that an account comes round again only long after its test is over. */
const NATS_ACCOUNTS = 600;
/** Linux keeps this folder in memory. */
const MEMORY_DIR = "/dev/shm";
/** What the servers of a whole run take at most, with room to spare. */
const ROOM_BYTES = 6 * 1024 ** 3;

export type RunningTestStack = {
  /** The file that TRADEWIND_TEST_STACK names. */
  readonly file: string;
  readonly hasSearchEngine: boolean;
  readonly hasBrowser: boolean;
  stop(): Promise<void>;
};

export async function startTestStack(config: Config): Promise<RunningTestStack> {
  const dir = await mkdtemp(join(await baseDir(), "tradewind-test-"));
  // Postgres may have to run as another user, who must get through; what lies inside is closed by itself.
  await chmod(dir, 0o711);
  const stops: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one().catch(error => console.error(String(error)));
  };
  try {
    const stack = await startServers(config, dir, one => stops.push(one));
    await prepare(stack);
    const file = join(dir, "stack.json");
    await writeFile(file, JSON.stringify(stack, null, 2), { mode: 0o600 });
    return { file, hasSearchEngine: stack.meiliUrl !== null, hasBrowser: stack.browser !== null, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In memory where there is room: hundreds of databases are cloned and dropped, and none has to outlive the run. */
async function baseDir(): Promise<string> {
  if (tmpdir() !== "/tmp") return tmpdir();
  const memory = await statfs(MEMORY_DIR).catch(() => null);
  return memory && memory.bavail * memory.bsize > ROOM_BYTES ? MEMORY_DIR : tmpdir();
}

async function startServers(
  config: Config,
  dir: string,
  onStop: (stop: () => Promise<void>) => void,
): Promise<TestStack> {
  const context = (name: string) => ({
    dataDir: join(dir, name),
    logDir: join(dir, "logs"),
    binDir: join(resolve(config.home), "packages"),
    throwAway: true,
    tied: true,
  });
  const kept = <T extends { stop(): Promise<void> } | null>(server: T): T => {
    if (server) onStop(server.stop);
    return server;
  };
  const secret = newSecret();
  // apt can install only one package at a time, so NATS and Redis come one after the other.
  const queueAndCache = async () => {
    const options = { secret, accounts: NATS_ACCOUNTS, bin: config.natsServerBin };
    const nats = kept(await startNats(context("nats"), options));
    return { nats, redis: kept(await startRedis(context("redis"), { secret, bin: config.redisServerBin })) };
  };
  const started = await Promise.allSettled([
    startPostgres(context("postgres"), secret).then(kept),
    queueAndCache(),
    startMeilisearch(context("meilisearch"), { secret, bin: config.meiliBin }).then(kept),
  ]);
  const failed = started.find(one => one.status === "rejected");
  if (failed) throw failed.reason;
  const [database, { nats, redis }, search] = started.map(one => one.status === "fulfilled" && one.value) as [
    Awaited<ReturnType<typeof startPostgres>>,
    Awaited<ReturnType<typeof queueAndCache>>,
    Awaited<ReturnType<typeof startMeilisearch>>,
  ];
  await mkdir(join(dir, "mail"), { recursive: true });
  const rest = kept(serveRedisRest({ redisUrl: redis.url, token: secret, port: 0 }));
  const mail = kept(
    await startMailcatcher({ dir: join(dir, "mail"), token: secret, smtpPort: 0, httpPort: 0 }),
  );
  return {
    adminUrl: database.url.replace(/\/tradewind$/, "/postgres"),
    nats: { port: nats.port, secret, accounts: NATS_ACCOUNTS },
    redisUrl: rest.url,
    redisToken: secret,
    meiliUrl: search?.url ?? null,
    meiliKey: search ? secret : null,
    smtpUrl: mail.smtpUrl,
    mailboxUrl: mail.mailboxUrl,
    mailboxToken: secret,
    browser: findChromium(config.chromiumBin),
    migrations: join(root, "apps", "migrations.ts"),
  };
}

async function prepare(stack: TestStack): Promise<void> {
  const admin = connect(stack.adminUrl, { max: 1, application: "test-runner" });
  try {
    await admin.unsafe(
      `CREATE SEQUENCE public.test_nats_account MINVALUE 0 MAXVALUE ${NATS_ACCOUNTS - 1} CYCLE`,
    );
  } finally {
    await admin.end();
  }
  await ensureTemplate(stack);
}
