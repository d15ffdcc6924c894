/**
 * Meilisearch, from npm where the package exists for the platform. Without a binary there is no engine: search answers
 * from Postgres, and the start says so.
 */
import { chmod, copyFile, mkdir, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isExecutable } from "./binaries.ts";
import { plainEnv, type RunningServer, type ServerContext, startServer } from "./server.ts";

/**
 * By default Meilisearch sizes this by the machine's memory. On 24 GB and two busy cores a task of 194 products then took
 * mostly 120 to 500 ms and at times 1 to 4 s; with this mostly 15 to 60 ms, at worst 171. 20,000 products in one task: 10.4 s
 * (two runs) against 7.0 s (one run).
 */
const INDEXING_MEMORY = "512MiB";

/** Null when this machine has no Meilisearch. */
export async function startMeilisearch(
  context: ServerContext,
  options: { secret: string; bin?: string | undefined },
): Promise<RunningServer | null> {
  const bin = await find(options.bin, context.binDir);
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
        ...["--max-indexing-memory", INDEXING_MEMORY],
      ],
      // The key goes through the environment: arguments can be read by every user of the machine.
      env: plainEnv({ MEILI_MASTER_KEY: options.secret }),
      cwd: dataDir,
    }),
    url: port => `http://127.0.0.1:${port}`,
    ready: async url => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok,
  });
}

async function find(explicit: string | undefined, binDir: string): Promise<string | null> {
  if (explicit) return explicit;
  return (await fromNpm(resolve(binDir))) ?? Bun.which("meilisearch");
}

async function fromNpm(binDir: string): Promise<string | null> {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  try {
    const manifest = Bun.resolveSync(
      `@gaubee/meilisearch-${process.platform}-${arch}/package.json`,
      import.meta.dir,
    );
    return await runnable(join(dirname(manifest), "meilisearch"), binDir);
  } catch {
    return null;
  }
}

/** The package comes without the run bit; where it belongs to somebody else, a copy gets it. */
async function runnable(file: string, binDir: string): Promise<string> {
  if (await isExecutable(file)) return file;
  try {
    await chmod(file, 0o755);
    return file;
  } catch {
    const copy = join(binDir, "meilisearch");
    await mkdir(binDir, { recursive: true });
    await copyFile(file, `${copy}.new`);
    await chmod(`${copy}.new`, 0o755);
    await rename(`${copy}.new`, copy);
    return copy;
  }
}
