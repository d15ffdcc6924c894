/**
 * Meilisearch, from npm where the package exists for the platform. Without a binary there is no engine: search answers
 * from Postgres, and the start says so.
 */
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isExecutable } from "./binaries.ts";
import { plainEnv, type RunningServer, type ServerContext, startServer } from "./server.ts";

/** Null when this machine has no Meilisearch. */
export async function startMeilisearch(
  context: ServerContext,
  options: { secret: string; bin?: string | undefined },
): Promise<RunningServer | null> {
  const bin = await find(options.bin);
  if (!bin) return null;
  const dataDir = resolve(context.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return startServer(context, {
    name: "meilisearch",
    launch: port => ({
      command: [
        bin,
        ...["--http-addr", `127.0.0.1:${port}`, "--env", "production", "--no-analytics"],
        ...["--db-path", join(dataDir, "data.ms"), "--dump-dir", join(dataDir, "dumps")],
        ...["--snapshot-dir", join(dataDir, "snapshots"), "--log-level", "WARN"],
      ],
      // The key goes through the environment: arguments can be read by every user of the machine.
      env: plainEnv({ MEILI_MASTER_KEY: options.secret }),
      cwd: dataDir,
    }),
    url: port => `http://127.0.0.1:${port}`,
    ready: async url => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok,
  });
}

async function find(explicit: string | undefined): Promise<string | null> {
  if (explicit) return explicit;
  return (await fromNpm()) ?? Bun.which("meilisearch");
}

async function fromNpm(): Promise<string | null> {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  try {
    const manifest = Bun.resolveSync(
      `@gaubee/meilisearch-${process.platform}-${arch}/package.json`,
      import.meta.dir,
    );
    const bin = join(dirname(manifest), "meilisearch");
    // The package comes without the run bit.
    if (!(await isExecutable(bin))) await chmod(bin, 0o755);
    return bin;
  } catch {
    return null;
  }
}
