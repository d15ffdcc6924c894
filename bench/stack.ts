/**
 * The servers and processes of one bench run: Postgres with everything on that makes a commit durable, NATS, Redis with
 * its front, mail catcher, all in a temporary folder; our own processes as they run in production.
 */

import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runtimeEnv } from "../apps/cluster/runtime.ts";
import { startMeilisearch, startNats, startPostgres, startRedis } from "../apps/cluster/servers/index.ts";
import { startMailcatcher } from "../apps/mailcatcher/index.ts";
import { modules } from "../apps/migrations.ts";
import { type Config, loadConfig } from "../platform/config.ts";
import { connect, type Db, migrate } from "../platform/postgres/index.ts";
import { newSecret } from "../platform/secrets.ts";
import { tied } from "../platform/tied.ts";
import { freePort } from "./ports.ts";

const root = join(import.meta.dir, "..");
const READY_MS = 30_000;
const DATABASE_POOL = 16;

export type Program = { readonly pid: number; stop(): Promise<void> };
export type ApiNode = Program & { readonly port: number };

export type BenchStack = {
  readonly sql: Db;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  /** Temporary, gone when the run ends. */
  readonly dir: string;
  /** An API node of its own port; `env` adds settings. */
  startApi(env?: Record<string, string>): Promise<ApiNode>;
  startKeeper(): Promise<Program>;
  /** Programs that are started afterwards search by it. @throws where this machine has none. */
  startMeilisearch(): Promise<{ url: string; key: string; pid: number }>;
  /** A server of the bench itself, to compare with. */
  startServer(entry: string): Promise<ApiNode>;
  startPool(priority: "high" | "normal" | "low"): Promise<Program>;
  /** A program of the bench that ends by itself; what it printed, read as JSON. */
  runPeer<T>(entry: string, args: readonly string[]): Promise<T>;
  stop(): Promise<void>;
};

export async function startBenchStack(): Promise<BenchStack> {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-bench-"));
  await chmod(dir, 0o711);
  const stops: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await Promise.resolve(one()).catch(complain);
  };
  try {
    const env = await startServers(loadConfig(process.env), dir, one => stops.push(one));
    const sql = connect(env.DATABASE_URL!, { max: 32, application: "bench" });
    stops.push(() => sql.end({ timeout: 2 }));
    await migrate(sql, modules);
    const processes = programs(env, dir, one => stops.push(one));
    await processes.startRedisFront();
    const searchEngine = async () => {
      const key = newSecret();
      const config = loadConfig(process.env);
      const context = {
        dataDir: join(dir, "meilisearch"),
        logDir: join(dir, "logs"),
        binDir: join(resolve(config.home), "packages"),
        throwAway: false,
        tied: true,
      };
      const server = await startMeilisearch(context, { secret: key, bin: config.meiliBin });
      if (!server) throw new Error("this machine has no Meilisearch");
      stops.push(() => server.stop());
      Object.assign(env, { MEILI_URL: server.url, MEILI_KEY: key });
      return { url: server.url, key, pid: server.pid };
    };
    return { ...processes, startMeilisearch: searchEngine, sql, dir, ...addresses(env), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const complain = (error: unknown) => console.error(String(error));
const addresses = (env: Record<string, string>) => ({
  databaseUrl: env.DATABASE_URL!,
  natsUrl: env.NATS_URL!,
  redisUrl: env.TRADEWIND_REDIS_URL!,
});

type OnStop = (stop: () => Promise<unknown>) => void;

async function startServers(config: Config, dir: string, onStop: OnStop): Promise<Record<string, string>> {
  const secret = newSecret();
  const context = (name: string) => ({
    dataDir: join(dir, name),
    logDir: join(dir, "logs"),
    binDir: join(resolve(config.home), "packages"),
    throwAway: false,
    tied: true,
  });
  const kept = <T extends { stop(): Promise<unknown> }>(server: T): T => {
    onStop(() => server.stop());
    return server;
  };
  const postgres = kept(await startPostgres(context("postgres"), secret));
  const nats = kept(await startNats(context("nats"), { secret, bin: config.natsServerBin }));
  const redis = kept(await startRedis(context("redis"), { secret, bin: config.redisServerBin }));
  const restUrl = `http://127.0.0.1:${await freePort()}`;
  await mkdir(join(dir, "mail"), { recursive: true });
  const mail = kept(
    await startMailcatcher({ dir: join(dir, "mail"), token: secret, smtpPort: 0, httpPort: 0 }),
  );
  return {
    DATABASE_URL: postgres.url,
    NATS_URL: nats.url,
    UPSTASH_REDIS_REST_URL: restUrl,
    TRADEWIND_REDIS_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: secret,
    SMTP_URL: mail.smtpUrl,
    TRADEWIND_HOME: dir,
    // Evaluated, but never reached.
    TRADEWIND_RATE_LIMIT_FACTOR: "100000",
    TRADEWIND_LOG_LEVEL: "warn",
    TRADEWIND_LOG_FORMAT: "json",
    TRADEWIND_DATABASE_POOL: String(DATABASE_POOL),
  };
}

function programs(base: Record<string, string>, dir: string, onStop: OnStop) {
  let count = 0;
  async function start(
    entry: string,
    env: Readonly<Record<string, string>>,
    runtime = runtimeEnv(entry),
  ): Promise<Program> {
    const name = `${entry.replaceAll("/", "-").replace(/\.ts$/, "")}-${++count}`;
    const child = Bun.spawn(tied([process.execPath, join(root, entry)]), {
      cwd: root,
      env: { ...process.env, ...runtime, ...base, ...env, TRADEWIND_PROCESS: name },
      stdin: "ignore",
      stdout: Bun.file(join(dir, "logs", `${name}.log`)),
      stderr: Bun.file(join(dir, "logs", `${name}.err`)),
    });
    const stop = async () => {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await child.exited;
      clearTimeout(killer);
    };
    onStop(stop);
    return { pid: child.pid, stop };
  }
  return {
    async startApi(env: Record<string, string> = {}): Promise<ApiNode> {
      const [shared, port] = [await freePort(), await freePort()];
      const ports = { PORT: String(shared), TRADEWIND_NODE_PORT: String(port) };
      const api = await start("apps/api/main.ts", { ...ports, ...env });
      await ready(port);
      return { ...api, port };
    },
    async startServer(entry: string): Promise<ApiNode> {
      const port = await freePort();
      const server = await start(entry, { TRADEWIND_NODE_PORT: String(port) }, {});
      await ready(port);
      return { ...server, port };
    },
    async runPeer<T>(entry: string, args: readonly string[]): Promise<T> {
      const command = [process.execPath, join(root, entry), ...args];
      const errors = Bun.file(join(dir, "logs", "peers.err"));
      const child = Bun.spawn(tied(command), { cwd: dir, stdin: "ignore", stdout: "pipe", stderr: errors });
      onStop(async () => child.kill("SIGKILL"));
      const said = await new Response(child.stdout).text();
      if ((await child.exited) !== 0)
        throw new Error(`${entry} failed: ${(await errors.text()).slice(-2_000)}`);
      return JSON.parse(said.trim().split("\n").at(-1)!) as T;
    },
    startRedisFront: () => start("apps/redis-rest/main.ts", {}),
    startKeeper: () => start("apps/keeper/main.ts", {}),
    startPool: (priority: string) => start("workers/main.ts", { TRADEWIND_POOL: priority }),
  };
}

async function ready(port: number): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error("the API node did not become ready");
    await Bun.sleep(50);
  }
}
