/** For tests: a primary with a real streaming replica, and an application that reads from it. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../platform/config.ts";
import { connect, type Db, migrate } from "../../platform/postgres/index.ts";
import { type Door, openDoor, StatementLog, until } from "../../platform/testing/index.ts";
import { startPostgres } from "../cluster/servers/index.ts";
import { startStandby } from "../cluster/servers/standby.fixture.ts";
import { modules } from "../migrations.ts";
import { replicasOf } from "./http/per-node.ts";
import { type TestApi, testApi } from "./testing.ts";

const SECRET = "replicated";
/** On a machine that does other things too. */
const PATIENCE_MS = 60_000;

export type Replicated = {
  readonly api: TestApi;
  readonly primaryUrl: string;
  /** Asks the replica itself, by no door. */
  readonly standby: Db;
  /** Between the application and the replica. */
  readonly door: Door;
  /** As by `kill -9`; {@link Replicated.restart} brings it back on its port. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Replay stops, or goes on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  untilState(state: "near" | "behind" | "away"): Promise<void>;
  close(): Promise<void>;
};

export async function replicated(config: Partial<Config> = {}, nats = false): Promise<Replicated> {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-replicated-"));
  await chmod(dir, 0o711);
  const context = (name: string) => ({
    dataDir: join(dir, name),
    logDir: join(dir, `${name}-log`),
    binDir: dir,
    throwAway: true,
  });
  const primary = await startPostgres(context("primary"), SECRET);
  await preparePrimary(primary.url);
  const follower = await startStandby(
    { url: primary.url, dataDir: join(dir, "primary") },
    context("standby"),
  );
  let running = follower;
  const standby = connect(follower.url, { max: 2, application: "test" });
  const door = openDoor(new URL(follower.url));
  const replicaUrl = new URL(follower.url);
  replicaUrl.port = String(door.port);
  const statements = new StatementLog();
  const sql = connect(primary.url, { application: "test", onStatement: statements.add });
  const database = { sql, url: primary.url, statements, drop: () => sql.end({ timeout: 1 }) };
  const read = { databaseReplicaUrls: [replicaUrl.href] };
  const api = await testApi({ database, nats, config: { ...read, ...config } });
  const replicas = replicasOf(api.deps)!;
  const untilState = async (state: string) => {
    const what = `a replica that is ${state}`;
    await until(() => replicas.states()[0]!.state === state, { timeoutMs: PATIENCE_MS, what });
  };
  return {
    ...{ api, primaryUrl: primary.url, standby, door, untilState },
    async kill() {
      process.kill(running.pid, "SIGKILL");
      await running.process.exited;
    },
    async restart() {
      // Not before the last of the old processes is gone.
      const start = () => startPostgres({ ...context("standby"), port: follower.port }, SECRET);
      running = await until(start, { timeoutMs: PATIENCE_MS, what: "the replica's start" });
    },
    async pause() {
      await standby`SELECT pg_wal_replay_pause()`;
      const isPaused = async () =>
        (await standby`SELECT pg_get_wal_replay_pause_state() AS state`)[0]!.state === "paused";
      await until(isPaused, { timeoutMs: PATIENCE_MS });
    },
    resume: async () => void (await standby`SELECT pg_wal_replay_resume()`),
    untilState,
    async close() {
      await api.close();
      await standby.end({ timeout: 1 });
      door.shut();
      await Promise.all([running.stop(), primary.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function preparePrimary(url: string): Promise<void> {
  const sql = connect(url, { max: 1, application: "prepare" });
  // As in production: a throw-away server flushes its log, and so sends it, a fifth of a second later.
  await sql`ALTER DATABASE tradewind SET synchronous_commit = on`;
  await migrate(sql, modules);
  await sql.end();
}
