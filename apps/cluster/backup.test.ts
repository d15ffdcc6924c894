/**
 * A disaster, gone through: Postgres back to a moment before somebody's mistake, from a copy of its folder and its archived
 * log, with a JetStream that has lost everything. docs/operations.md tells people to do what is done here.
 */
import { afterEach, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contractOf, enqueue, openBus, relayOnce, resendQueued } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import { connect, type Db, migrate } from "../../platform/postgres/index.ts";
import { freshNats, until } from "../../platform/testing/index.ts";
import { modules } from "../migrations.ts";
import { type RunningServer, startPostgres } from "./servers/index.ts";

const noop = contractOf("drill.noop.high")!;
const PASSWORD = "backup";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(dir: string, name: string, settings: Record<string, string>): Promise<RunningServer> {
  const context = { dataDir: join(dir, name), logDir: join(dir, "logs"), binDir: dir, throwAway: false };
  const quick = { shared_buffers: "32MB", fsync: "off", synchronous_commit: "off" };
  const server = await startPostgres(context, PASSWORD, { ...quick, ...settings });
  closers.push(() => server.stop());
  return server;
}

function open({ url }: RunningServer): Db {
  const sql = connect(url, { max: 3, application: "test" });
  closers.push(() => sql.end({ timeout: 1 }));
  return sql;
}

/** As `pg_basebackup` does it: the folder as it lies there, between start and stop on one session. */
async function copyFolder(sql: Db, from: string, to: string): Promise<void> {
  const session = await sql.reserve();
  await session`SELECT pg_backup_start('test', fast => true)`;
  const isLeftOut = (path: string) => /\/(postmaster\.(pid|opts)|pg_wal\/.+)$/.test(path);
  await cp(from, to, { recursive: true, filter: path => !isLeftOut(path) });
  const [end] = await session<{ label: string }[]>`
    SELECT labelfile AS label FROM pg_backup_stop(wait_for_archive => false)`;
  await writeFile(join(to, "backup_label"), end!.label);
  session.release();
}

const job = (sql: Db, key: string) =>
  enqueue(sql, { contract: noop, payload: {}, key, storeId: "store_test" });
const keysIn = (sql: Db) =>
  sql<{ key: string }[]>`
    SELECT key FROM bus.outbox UNION SELECT key FROM bus.job WHERE status = 'queued' ORDER BY key`.then(
    rows => rows.map(row => row.key),
  );

test("Postgres goes back to a moment, and the jobs that were open then are published again, each once", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-backup-"));
  closers.push(() => rm(dir, { recursive: true, force: true }));
  const archive = join(dir, "archive");
  await mkdir(archive);
  const before = await start(dir, "before", {
    archive_mode: "on",
    archive_command: `test ! -f ${archive}/%f && cp %p ${archive}/%f`,
  });
  const sql = open(before);
  await migrate(
    sql,
    modules.filter(({ name }) => name === "platform" || name === "bus"),
  );
  await copyFolder(sql, join(dir, "before"), join(dir, "copy"));

  // After the copy: one job done, one in JetStream, one in the outbox. Then the moment, and what is to be undone.
  const nats = await freshNats();
  closers.push(nats.release);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const done = await job(sql, "done");
  await job(sql, "in JetStream");
  await relayOnce({ connection: bus.connection, sql });
  await sql`UPDATE bus.job SET status = 'done', finished_at = now() WHERE id = ${done}`;
  await job(sql, "in the outbox");
  const [moment] = await sql<{ at: string }[]>`SELECT clock_timestamp()::text AS at`;
  await Bun.sleep(20);
  await sql`TRUNCATE bus.outbox`;
  await job(sql, "later");
  await sql`SELECT pg_switch_wal()`;
  const archived = () =>
    sql`SELECT last_archived_wal FROM pg_stat_archiver WHERE last_archived_wal IS NOT NULL`;
  const [last] = await sql<{ name: string }[]>`SELECT pg_walfile_name(pg_current_wal_lsn() - 1) AS name`;
  await until(async () => (await archived())[0]?.last_archived_wal >= last!.name, {
    timeoutMs: 30_000,
    what: "the archived log",
  });
  await bus.close();
  await sql.end({ timeout: 1 });
  await before.stop();
  await nats.release();

  await writeFile(join(dir, "copy", "recovery.signal"), "");
  const after = await start(dir, "copy", {
    restore_command: `cp ${archive}/%f %p`,
    recovery_target_time: moment!.at,
    recovery_target_action: "promote",
  });
  const restored = open(after);
  await until(async () => (await restored`SELECT pg_is_in_recovery() AS yes`)[0]!.yes === false, {
    timeoutMs: 30_000,
    what: "the end of the recovery",
  });
  expect(await keysIn(restored)).toEqual(["in JetStream", "in the outbox"]);

  const empty = openBus({ url: nats.url, name: "test", log: silentLog, sql: restored });
  closers.push(() => empty.close());
  await empty.ready;
  expect(await resendQueued(restored, empty.connection)).toEqual({ type: "resent", jobs: 1 });
  expect(await relayOnce({ connection: empty.connection, sql: restored })).toBe(2);
  expect((await empty.connection.jsm.streams.info("HIGH")).state.messages).toBe(2);
}, 120_000);
