/** A whole cluster of its own for a run: real sockets, and workers that get what was asked for. Gone afterwards. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tied } from "../../platform/tied.ts";

const root = join(import.meta.dir, "../..");
const READY_MS = 120_000;

export type FuzzStack = {
  api: string;
  opsKey: string;
  /** What the cluster logged under a trace. */
  logged?(traceId: string): Promise<string>;
  stop(): Promise<void>;
};

type StackFile = { state?: string; api: string; keys: { ops: string } | null };

export async function startFuzzStack(): Promise<FuzzStack> {
  const home = await mkdtemp(join(tmpdir(), "tradewind-fuzz-"));
  const child = Bun.spawn(tied([process.execPath, join(root, "apps/cluster/start.ts")], "TERM"), {
    cwd: root,
    env: {
      ...process.env,
      TRADEWIND_HOME: home,
      PORT: String(await freePort()),
      TRADEWIND_FIRST_LIGHT: "off",
      TRADEWIND_DEMO: "off",
      TRADEWIND_API_NODES: "1",
      TRADEWIND_RATE_LIMIT_FACTOR: "1000000",
      TRADEWIND_LOG_LEVEL: "warn",
      TRADEWIND_LOG_FORMAT: "json",
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
    await rm(home, { recursive: true, force: true });
  };
  try {
    const { api, keys } = await running(home, child);
    return { api, opsKey: keys!.ops, logged: traceId => loggedIn(join(home, "logs"), traceId), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function running(home: string, child: Bun.Subprocess): Promise<StackFile> {
  const file = Bun.file(join(home, "stack.json"));
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const stack = (await file.json().catch(() => null)) as StackFile | null;
    const isReady = stack?.keys && (await fetch(`${stack.api}/readyz`).catch(() => null))?.ok;
    if (isReady && stack.state === "running") return stack;
    await Bun.sleep(200);
  }
  throw new Error("the cluster did not start; `bun run start` tells why");
}

async function loggedIn(dir: string, traceId: string): Promise<string> {
  const lines: string[] = [];
  for await (const name of new Bun.Glob("**/*.log").scan({ cwd: dir })) {
    const text = await Bun.file(join(dir, name)).text();
    lines.push(...text.split("\n").filter(line => line.includes(traceId)));
  }
  return lines.join("\n");
}

async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  await probe.stop(true);
  return port!;
}
