/** For tests: a real streaming replica of an embedded Postgres, as npm brings no pg_basebackup. */
import { appendFile, chown, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../../platform/postgres/index.ts";
import { startPostgres } from "./postgres.ts";
import type { RunningServer, ServerContext } from "./server.ts";

/** What a server writes anew when it starts, and must not take from another. */
const LEFT_OUT = ["postmaster.pid", "postmaster.opts", "pg_wal/*", "pg_replslot/*", "pg_stat_tmp/*"];

/** Copies the data folder while the primary runs, and starts a server on the copy that follows it. */
export async function startStandby(
  primary: { url: string; dataDir: string },
  context: ServerContext,
): Promise<RunningServer> {
  await copy(primary, context.dataDir);
  const { hostname, port, username, password } = new URL(primary.url);
  const follows = `host=${hostname} port=${port} user=${username} password=${password}`;
  await appendFile(join(context.dataDir, "postgresql.auto.conf"), `primary_conninfo = '${follows}'\n`);
  await writeFile(join(context.dataDir, "standby.signal"), "");
  const { uid, gid } = await stat(join(context.dataDir, "PG_VERSION"));
  for (const file of ["backup_label", "standby.signal"]) await chown(join(context.dataDir, file), uid, gid);
  return startPostgres(context, password);
}

async function copy({ url, dataDir }: { url: string; dataDir: string }, to: string): Promise<void> {
  const sql = connect(url, { max: 1, application: "copy" });
  try {
    await sql`SELECT pg_backup_start('standby', fast => true)`;
    await mkdir(to, { recursive: true, mode: 0o700 });
    const excluded = LEFT_OUT.map(one => `--exclude='./${one}'`).join(" ");
    // Owners and modes stay: Postgres may have to run as another user.
    const script = `tar -C "$0" -cf - ${excluded} . | tar -C "$1" -xpf -`;
    const run = Bun.spawnSync(["sh", "-c", script, dataDir, to]);
    const [label] = await sql<[{ labelfile: string }]>`SELECT labelfile FROM pg_backup_stop(false)`;
    if (run.exitCode !== 0) throw new Error(`the data folder was not copied: ${run.stderr}`);
    await writeFile(join(to, "backup_label"), label.labelfile);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
