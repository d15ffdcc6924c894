import { afterAll, beforeAll, expect, test } from "bun:test";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ config: { timeZone: "Europe/Berlin" } });
});
afterAll(() => api.close());

// biome-ignore lint/suspicious/noExplicitAny: answers are whatever came; the tests say what they must be.
type Json = Record<string, any>;

async function ops(method: string, path: string, json?: unknown): Promise<{ status: number; body: Json }> {
  const response = await api.request(method, `/ops/schedules${path}`, { key: api.keys.ops, json });
  return { status: response.status, body: (await response.json()) as Json };
}

test("schedules are listed with their next tick in their zone, before any keeper has seen them", async () => {
  const { status, body } = await ops("GET", "");
  expect(status).toBe(200);
  const tidy = body.items.find((one: Json) => one.name === "tidy.ticks");
  expect(tidy).toMatchObject({
    cron: "37 3 * * *",
    timeZone: "Europe/Berlin",
    kind: "maintenance.tidy",
    payload: { task: "ticks" },
    paused: false,
    last: null,
  });
  const hour = { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit", hour12: false } as const;
  expect(new Date(tidy.nextTick).toLocaleTimeString("de", hour)).toBe("03:37");
});

test("a schedule is paused with a note, run by hand meanwhile, and resumed", async () => {
  const paused = await ops("PATCH", "/tidy.ticks", { paused: true, note: "not now" });
  expect(paused.body).toMatchObject({ paused: true, note: "not now", nextTick: null });
  const run = await ops("POST", "/tidy.ticks/run");
  expect([run.status, run.body.outcome]).toEqual([202, "enqueued"]);
  expect((await ops("POST", "/tidy.ticks/run")).body).toEqual({ jobId: run.body.jobId, outcome: "dropped" });
  const resumed = await ops("PATCH", "/tidy.ticks", { paused: false });
  expect(resumed.body).toMatchObject({
    paused: false,
    note: null,
    last: { byHand: true, outcome: "dropped" },
  });

  const first = await ops("GET", "/tidy.ticks/ticks?limit=1");
  expect(first.body.items).toMatchObject([{ outcome: "dropped", jobId: run.body.jobId }]);
  const cursor = encodeURIComponent(first.body.nextCursor);
  const second = await ops("GET", `/tidy.ticks/ticks?limit=1&cursor=${cursor}`);
  expect(second.body.items).toMatchObject([{ outcome: "enqueued" }]);
  expect(second.body.nextCursor).toBeNull();
});

test.each([
  ["GET", "/nothing", undefined, 404],
  ["POST", "/nothing/run", undefined, 404],
  ["GET", "/nothing/ticks", undefined, 404],
  ["PATCH", "/nothing", { paused: true }, 404],
  ["PATCH", "/tidy.ticks", {}, 422],
  ["PATCH", "/tidy.ticks", { paused: "yes" }, 422],
  ["PATCH", "/tidy.ticks", { paused: true, cron: "* * * * *" }, 422],
  ["GET", "/tidy.ticks/ticks?cursor=then", undefined, 422],
  ["GET", "/tidy.ticks/ticks?limit=0", undefined, 422],
] as const)("%s %s with %j is %d", async (method, path, json, status) => {
  expect((await ops(method, path, json)).status).toBe(status);
});
