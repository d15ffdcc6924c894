/** `tradewind restart` on a whole cluster under load: no request fails, no job is done twice, a bad release takes nothing down. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Db } from "../../platform/postgres/index.ts";
import { until } from "../../platform/testing/index.ts";
import { runLine } from "../cli/testing.ts";
import { startStack, type TestStack } from "./testing.ts";

let cluster: TestStack;
let sql: Db;

beforeAll(async () => {
  cluster = await startStack({
    TRADEWIND_NORMAL_PROCESSES: "0",
    TRADEWIND_LOW_PROCESSES: "0",
    // The load may be more than one process does on a busy machine.
    TRADEWIND_AUTOSCALE: "off",
    TRADEWIND_RATE_LIMIT_FACTOR: "100000",
  });
  sql = connect(cluster.stack().databaseUrl, { max: 2, application: "test" });
}, 60_000);
afterAll(async () => {
  await sql.end();
  await cluster.stop();
});

const cli = (line: string) => runLine(line, { env: { TRADEWIND_HOME: cluster.home } });

type Load = { answered: number; failures: string[]; jobs: string[]; nodes: Set<string> };

/** Clients that read and post jobs over connections that they keep, until they are told to stop. */
function startLoad() {
  const load: Load = { answered: 0, failures: [], jobs: [], nodes: new Set() };
  const { api, keys } = cluster.stack();
  let isOver = false;
  const read = () =>
    fetch(`${api}/store/products?limit=2`, { headers: { "x-publishable-key": keys!.publishable! } });
  const post = () =>
    fetch(`${api}/ops/jobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys!.ops}`, "content-type": "application/json" },
      body: JSON.stringify({ kind: "drill.sleep.high", payload: { ms: 20 } }),
    });
  const client = async (send: () => Promise<Response>) => {
    while (!isOver) {
      try {
        const response = await send();
        const body = (await response.json()) as { id?: string };
        load.answered++;
        load.nodes.add(response.headers.get("x-node")!);
        if (!response.ok) load.failures.push(`${response.status} ${JSON.stringify(body)}`);
        else if (body.id) load.jobs.push(body.id);
      } catch (error) {
        load.failures.push(String(error));
      }
    }
  };
  const clients = [...Array.from({ length: 8 }, () => client(read)), client(post), client(post)];
  const stop = async () => {
    isOver = true;
    await Promise.all(clients);
    return load;
  };
  return { load, stop };
}

test("all processes are replaced one by one under load: no request fails, each accepted job is done once", async () => {
  const before = cluster.stack();
  const { load, stop } = startLoad();
  await until(() => load.jobs.length > 20);
  const line = await cli("restart --json");
  expect([line.err, line.code]).toEqual(["", 0]);
  const { replaced } = JSON.parse(line.out) as { replaced: { from: string; to: string; leftMs: number }[] };
  expect(replaced.map(({ from, to }) => [from, to])).toEqual([
    ["high-1", "high-2"],
    ["keeper", "keeper-2"],
    ["api-1", "api-3"],
    ["api-2", "api-1"],
  ]);
  await until(() => load.nodes.has("api-3"));
  await stop();

  expect(load.failures).toEqual([]);
  const after = cluster.stack();
  expect(Object.keys(after.processes).sort()).toEqual(
    ["api-1", "api-3", "high-2", "keeper-2", "mailcatcher", "redis-rest"].sort(),
  );
  expect(after.nodes).toEqual(before.nodes);
  const pids = (stack: typeof before) => Object.values(stack.processes).map(one => one.pid);
  expect(pids(after).filter(pid => pids(before).includes(pid))).toHaveLength(2);
  const ended = () => sql<{ attempt: number; status: string }[]>`
    SELECT attempt, status FROM bus.job WHERE id = ANY(${load.jobs}::uuid[]) AND status <> 'queued'`;
  const rows = await until(async () => (await ended()).length === load.jobs.length && ended(), {
    what: "the end of all accepted jobs",
  });
  expect(rows.filter(job => job.status !== "done" || job.attempt !== 1)).toEqual([]);
}, 60_000);

test("one restart at a time; a stranger is refused; a stream of events does not hold a node up", async () => {
  const { api, keys, control } = cluster.stack();
  const stranger = await fetch(`${control}/restart`, { method: "POST", body: '{"what":["api"]}' });
  expect(stranger.status).toBe(401);
  expect(await cli("restart postgres")).toMatchObject({ code: 2 });
  const events = await fetch(`${api}/console/events`, { headers: { authorization: `Bearer ${keys!.ops}` } });
  expect(events.status).toBe(200);
  const [first, second] = [cli("restart api --json"), cli("restart api --json")];
  const lines = await Promise.all([first, second]);
  expect(lines.map(line => line.code).sort()).toEqual([0, 1]);
  const refused = lines.find(line => line.code === 1)!;
  expect(JSON.parse(refused.err).error.code).toBe("restart_in_progress");
  const { replaced } = JSON.parse(lines.find(line => line.code === 0)!.out);
  expect(replaced.map((one: { leftMs: number | null }) => one.leftMs !== null)).toEqual([true, true]);
  await events.text();
}, 60_000);
