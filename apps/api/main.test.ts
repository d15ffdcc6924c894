import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FreshDatabase, freshDatabase, freshNats, until } from "../../platform/testing/index.ts";

setDefaultTimeout(30_000);

let home: string;
let database: FreshDatabase;
let nats: Awaited<ReturnType<typeof freshNats>>;
const children: Bun.Subprocess[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "api-"));
  database = await freshDatabase();
  nats = await freshNats();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill(9);
    await child.exited;
  }
  await nats.release();
  await database.drop();
  await rm(home, { recursive: true });
});

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function spawn(name: string, env: Record<string, string>) {
  const child = Bun.spawn(["bun", join(import.meta.dir, "main.ts")], {
    env: {
      PATH: process.env.PATH ?? "",
      TRADEWIND_HOME: home,
      TRADEWIND_PROCESS: name,
      DATABASE_URL: database.url,
      NATS_URL: nats.url,
      ...env,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  children.push(child);
  return child;
}

async function startNode(name: string, port: number) {
  const own = await freePort();
  const child = spawn(name, { PORT: String(port), TRADEWIND_NODE_PORT: String(own) });
  const address = `http://127.0.0.1:${own}`;
  await until(async () => (await fetch(`${address}/readyz`).catch(() => null))?.status === 200, {
    what: `${name} is ready`,
  });
  return { child, address };
}

test("a node that is told to stop leaves without a failed request, while another goes on at the same port", async () => {
  const port = await freePort();
  const [first, second] = [await startNode("api-1", port), await startNode("api-2", port)];
  const nodes = new Map<string, number>();
  const failures: string[] = [];
  let running = true;
  const client = async () => {
    while (running) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}/healthz`);
        await response.json();
        const node = response.headers.get("x-node")!;
        nodes.set(node, (nodes.get(node) ?? 0) + 1);
        if (response.status !== 200) failures.push(String(response.status));
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const clients = Array.from({ length: 16 }, client);
  await until(() => nodes.size === 2, { what: "both nodes answer" });

  first.child.kill("SIGTERM");
  await until(async () => (await fetch(`${first.address}/readyz`)).status === 503, { timeoutMs: 400 });
  expect(await first.child.exited).toBe(0);
  const before = nodes.get("api-2")!;
  await until(() => nodes.get("api-2")! > before + 50);
  running = false;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect((await fetch(`${second.address}/healthz`)).status).toBe(200);
});

test("metrics are open on loopback and come from all nodes of the host", async () => {
  const port = await freePort();
  const [first, second] = [await startNode("api-1", port), await startNode("api-2", port)];
  await fetch(`${second.address}/healthz`);
  let text = "";
  // A node is ready before it is connected to NATS; until then it knows only itself.
  const complete = async () => {
    text = await (await fetch(`${first.address}/metrics`)).text();
    return ["api-1", "api-2"].every(name => text.includes(`tradewind_process_rss_bytes{process="${name}"}`));
  };
  await until(complete, { what: "both nodes are in the metrics" });
  expect(text).toMatch(
    /request_seconds_count\{method="GET",route="\/healthz",status="200",process="api-\d"\} 1/,
  );
});

test("a malformed setting ends the process with one line that names it", async () => {
  const child = spawn("api-1", { PORT: "eighty" });
  expect(await child.exited).toBe(2);
  const text = await new Response(child.stderr).text();
  expect(text.trim().split("\n")).toHaveLength(1);
  expect(text).toContain("PORT must be a whole number");
});

test("a body over 128 MB gets our problem, not a bare 413", async () => {
  const { address } = await startNode("api-1", await freePort());
  const body = new Uint8Array(150 * 1024 * 1024);
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${address}/ops/jobs`, { method: "POST", body, headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    413,
    "application/problem+json; charset=utf-8",
  ]);
});
