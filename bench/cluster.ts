/** A whole cluster in a folder of its own, started as people start it, and what its processes take. */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackFile } from "../apps/cluster/home.ts";
import { connect, type Db } from "../platform/postgres/index.ts";
import { tied } from "../platform/tied.ts";
import { freePort } from "./ports.ts";

const root = join(import.meta.dir, "..");
const READY_MS = 90_000;

export type ClusterProcess = { name: string; pid: number; ours: boolean };

export type BenchCluster = {
  /** The shared port; the kernel spreads connections over the nodes. */
  readonly port: number;
  /** The nodes' own ports. */
  readonly nodePorts: readonly number[];
  readonly keys: { publishable: string; secret: string; ops: string };
  readonly storeId: string;
  readonly sql: Db;
  readonly home: string;
  /** What runs now: supervisor, nodes, keeper, pools and the like (`ours`), and the servers beside them. */
  processes(): ClusterProcess[];
  stop(): Promise<void>;
};

/** Leaves nothing behind when it throws. */
export async function startBenchCluster(settings: Readonly<Record<string, string>>): Promise<BenchCluster> {
  const home = await mkdtemp(join(tmpdir(), "tradewind-bench-"));
  const port = await freePort();
  const child = Bun.spawn(tied([process.execPath, join(root, "apps/cluster/start.ts")], "TERM"), {
    cwd: root,
    env: {
      ...process.env,
      TRADEWIND_HOME: home,
      PORT: String(port),
      TRADEWIND_FIRST_LIGHT: "off",
      TRADEWIND_LOG_LEVEL: "warn",
      ...settings,
    },
    stdin: "ignore",
    stdout: Bun.file(join(home, "supervisor.out")),
    stderr: Bun.file(join(home, "supervisor.err")),
  });
  const end = async () => {
    child.kill("SIGTERM");
    await child.exited;
    await rm(home, { recursive: true, force: true });
  };
  const read = () => JSON.parse(readFileSync(join(home, "stack.json"), "utf8")) as StackFile;
  try {
    await untilReady(port, read, child, home);
  } catch (error) {
    await end();
    throw error;
  }
  const stack = read();
  const sql = connect(stack.databaseUrl, { max: 8, application: "bench" });
  return {
    port,
    nodePorts: stack.nodes.map(url => Number(new URL(url).port)),
    keys: stack.keys as BenchCluster["keys"],
    storeId: stack.storeId!,
    sql,
    home,
    processes: () => processesOf(read()),
    async stop() {
      await sql.end({ timeout: 2 });
      await end();
    },
  };
}

function processesOf(stack: StackFile): ClusterProcess[] {
  const ours = Object.entries(stack.processes).map(([name, { pid }]) => ({ name, pid, ours: true }));
  const servers = Object.entries(stack.servers).map(([name, { pid }]) => ({ name, pid, ours: false }));
  return [{ name: "supervisor", pid: stack.supervisor!.pid, ours: true }, ...ours, ...servers];
}

async function untilReady(
  port: number,
  read: () => StackFile,
  child: Bun.Subprocess,
  home: string,
): Promise<void> {
  for (const deadline = Date.now() + READY_MS; ; await Bun.sleep(100)) {
    if (child.exitCode !== null)
      throw new Error(`the cluster ended: ${await Bun.file(join(home, "supervisor.err")).text()}`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok && read().state === "running") return;
    if (Date.now() > deadline) throw new Error("the cluster did not become ready");
  }
}
