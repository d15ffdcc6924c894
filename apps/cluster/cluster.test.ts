/** The supervisor as people use it: `bun run start` in a folder of its own, with few processes and no journey. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../platform/testing/index.ts";
import type { StackFile } from "./home.ts";
import { root } from "./install.ts";
import { freePort } from "./ports.ts";
import { isAlive, type ProcessRef, startTime } from "./process.ts";

const homes: string[] = [];
const supervisors = new Set<Bun.Subprocess>();

type Running = { child: Bun.Subprocess<"ignore", "pipe", "pipe">; home: string; port: number };

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "tradewind-cluster-"));
  homes.push(home);
  return home;
}

function start(home: string, port: number, env: Record<string, string> = {}): Running {
  const child = Bun.spawn([process.execPath, join(root, "apps/cluster/start.ts")], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TRADEWIND_HOME: home,
      PORT: String(port),
      TRADEWIND_FIRST_LIGHT: "off",
      TRADEWIND_API_NODES: "1",
      TRADEWIND_NORMAL_PROCESSES: "0",
      TRADEWIND_LOW_PROCESSES: "0",
      TRADEWIND_DRAIN_SECONDS: "5",
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  supervisors.add(child);
  return { child, home, port };
}

function stackOf(home: string): StackFile {
  return JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));
}

async function ready({ child, home, port }: Running): Promise<StackFile> {
  const fell = child.exited.then(async () => {
    throw new Error(`the supervisor ended: ${await child.stderr.text()}`);
  });
  const up = until(
    async () => {
      const stack = stackOf(home);
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) });
      return stack.state === "running" && stack.supervisor?.pid === child.pid && answer.ok && stack;
    },
    { timeoutMs: 80_000, what: "readiness" },
  );
  fell.catch(() => {});
  return Promise.race([up, fell]);
}

async function kill({ child }: Running): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
  supervisors.delete(child);
}

const allOf = (stack: StackFile): ProcessRef[] => [
  ...Object.values(stack.servers),
  ...Object.values(stack.processes),
];

afterEach(async () => {
  for (const child of supervisors) child.kill("SIGTERM");
  await Promise.all([...supervisors].map(child => child.exited));
  supervisors.clear();
});

afterAll(async () => {
  for (const home of homes) await rm(home, { recursive: true, force: true });
});

test("a process or server that is killed comes back, a second start is refused, SIGTERM leaves nothing", async () => {
  const running = start(await newHome(), await freePort());
  const before = await ready(running);
  expect(Object.keys(before.processes).sort()).toEqual([
    "api-1",
    "high-1",
    "keeper",
    "mailcatcher",
    "redis-rest",
  ]);

  for (const ref of [before.processes["high-1"]!, before.servers.redis!]) process.kill(ref.pid, "SIGKILL");
  const after = await until(() => {
    const stack = stackOf(running.home);
    const [worker, redis] = [stack.processes["high-1"], stack.servers.redis];
    const changed = worker && worker.pid !== before.processes["high-1"]!.pid;
    return changed && redis && redis.pid !== before.servers.redis!.pid && stack;
  });
  expect(after.servers.redis!.port).toBe(before.servers.redis!.port);
  expect(after.processes.keeper).toEqual(before.processes.keeper!);

  const second = start(running.home, await freePort());
  expect(await second.child.exited).toBe(1);
  expect(await second.child.stderr.text()).toContain(`another Tradewind is running on ${running.home}`);

  running.child.kill("SIGTERM");
  expect(await running.child.exited).toBe(0);
  expect(allOf(after).filter(isAlive)).toEqual([]);
  expect(stackOf(running.home)).toMatchObject({ state: "stopped", keys: before.keys! });
});

test("after kill -9 of the supervisor the next start takes over servers and processes; changed settings replace these", async () => {
  const home = await newHome();
  const port = await freePort();
  const killed = start(home, port);
  const before = await ready(killed);
  await kill(killed);
  expect(allOf(before).every(isAlive)).toBe(true);

  const taking = start(home, port);
  const taken = await ready(taking);
  expect(taken).toMatchObject({ servers: before.servers, processes: before.processes, nodes: before.nodes });
  // A process that was taken over is watched like one that was started.
  process.kill(taken.processes["high-1"]!.pid, "SIGKILL");
  await until(() => stackOf(home).processes["high-1"]?.pid !== taken.processes["high-1"]!.pid);
  await kill(taking);

  const left = stackOf(home);
  const next = start(home, port, { TRADEWIND_DRAIN_SECONDS: "6" });
  const after = await ready(next);
  expect(after.servers).toEqual(before.servers);
  expect(after.keys).toEqual(before.keys);
  expect(Object.values(left.processes).filter(isAlive)).toEqual([]);
  const store = { "x-publishable-key": after.keys!.publishable! };
  expect((await fetch(`${after.api}/store/products`, { headers: store })).status).toBe(200);

  // A server that was taken over is watched like one that was started.
  process.kill(after.servers.nats!.pid, "SIGKILL");
  await until(() => stackOf(home).servers.nats?.pid !== after.servers.nats!.pid);
  next.child.kill("SIGINT");
  // Who restarts before the drain is over waits for it and is not refused.
  const restarted = start(home, port);
  const code = await next.child.exited;
  expect({ code, said: code === 0 ? "" : await next.child.stderr.text() }).toEqual({ code: 0, said: "" });
  expect(allOf(after).filter(isAlive)).toEqual([]);
  await ready(restarted);
});

test("what was started but not written down before a kill -9 is ended by the next start", async () => {
  const home = await newHome();
  const port = await freePort();
  const killed = start(home, port);
  const before = await ready(killed);
  await kill(killed);
  await rm(join(home, "stack.json"));

  const next = start(home, port);
  const after = await ready(next);
  expect(allOf(before).filter(isAlive)).toEqual([]);
  expect(allOf(after).every(isAlive)).toBe(true);
});

test("a port that is taken is named, and nothing is left behind", async () => {
  const holder = createServer().listen(0);
  const { port } = holder.address() as { port: number };
  const { child, home } = start(await newHome(), port);
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toContain(`port ${port} is taken`);
  expect(await Bun.file(join(home, "stack.json")).exists()).toBe(false);
  holder.close();
});

test("a pid that another process has now is not taken for the one of before", () => {
  const own = { pid: process.pid, started: startTime(process.pid)! };
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, started: "1" })).toBe(false);
});
