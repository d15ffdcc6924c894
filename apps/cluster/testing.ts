/** For tests: whole clusters, started as people start them, each in a folder of its own. */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../platform/testing/index.ts";
import { tied } from "../../platform/tied.ts";
import { type Caller, caller } from "./first-light/client.ts";
import type { StackFile } from "./home.ts";
import { root } from "./install.ts";
import { freePort } from "./ports.ts";

export type TestStack = {
  readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly home: string;
  readonly api: Caller;
  /** What `stack.json` says now. */
  stack(): StackFile;
  /** Kills a process of the cluster with SIGKILL and waits until another is there (an API node: ready). */
  kill(name: string): Promise<void>;
  stop(): Promise<number>;
};

const FEW = { TRADEWIND_FIRST_LIGHT: "off", TRADEWIND_DRAIN_SECONDS: "10" };

/** Starts a cluster and waits until it is ready. */
export async function startStack(env: Record<string, string> = {}): Promise<TestStack> {
  const home = await mkdtemp(join(tmpdir(), "tradewind-stack-"));
  const port = await freePort();
  const child = Bun.spawn(tied([process.execPath, join(root, "apps/cluster/start.ts")], "TERM"), {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TRADEWIND_HOME: home,
      PORT: String(port),
      ...FEW,
      ...env,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stack = (): StackFile => JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));
  const ready = await until(
    async () => {
      if (child.exitCode !== null) throw new Error(await child.stderr.text());
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) });
      return answer.ok && stack().state === "running" && stack();
    },
    { timeoutMs: 60_000, what: "a ready cluster" },
  );
  return {
    child,
    home,
    stack,
    api: caller(ready.api, ready.keys!),
    async kill(name) {
      const { pid } = stack().processes[name]!;
      process.kill(pid, "SIGKILL");
      const restarted = async () => {
        const next = stack().processes[name];
        if (!next || next.pid === pid) return false;
        return next.port === undefined || (await fetch(`http://127.0.0.1:${next.port}/readyz`)).ok;
      };
      await until(restarted, { timeoutMs: 20_000, what: `another ${name}` });
    },
    async stop() {
      child.kill("SIGTERM");
      const code = await child.exited;
      await rm(home, { recursive: true, force: true });
      return code;
    },
  };
}
