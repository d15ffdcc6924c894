import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "../../../../platform/testing/index.ts";
import { type AdminShop, type Json, openAdminShop } from "../admin/shop.fixture.ts";

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([10]);
});
afterAll(() => shop.close());

async function ops(method: string, path: string, json?: unknown): Promise<{ status: number; body: Json }> {
  const { api } = shop;
  const response = await api.request(method, `/ops${path}`, { key: api.keys.ops, ...(json ? { json } : {}) });
  return { status: response.status, body: await response.json() };
}

/** What a worker and a keeper write when a job's second try ends it for good. */
async function die(kind: string): Promise<string> {
  const { sql } = shop.api;
  const [job] = await sql<{ id: string }[]>`
    WITH gone AS (DELETE FROM bus.outbox WHERE kind = ${kind} RETURNING *)
    INSERT INTO bus.job (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload, queued_at,
                         started_at, finished_at, worker, error)
    SELECT id, kind, version, priority, store_id, key, 'dead', 2, traceparent, payload, created_at,
           now() + interval '2 seconds', now() + interval '3 seconds', 'w', 'no such mailbox' FROM gone RETURNING id`;
  for (const [attempt, outcome] of ["retrying", "dead"].entries()) {
    await sql`
      INSERT INTO bus.job_try (job_id, attempt, run, worker, started_at, ended_at, outcome, error, traceparent)
      VALUES (${job!.id}, ${attempt + 1}, 0, 'w', now() + ${attempt + 1} * interval '1 second',
              now() + ${attempt + 2} * interval '1 second', ${outcome}, 'no such mailbox', '')`;
  }
  await sql`
    INSERT INTO bus.dead (id, job_id, kind, version, store_id, key, payload, reason, error, fingerprint, attempts,
                          traceparent, died_at)
    SELECT 'NORMAL-1-1', id, kind, version, store_id, key, payload, 'tries_used_up', error, 'f', 2, traceparent, finished_at
    FROM bus.job WHERE id = ${job!.id}`;
  return job!.id;
}

test("a timeline of an order joins the request, its jobs, their tries, a death, its replay and what the shop noted", async () => {
  const order = await shop.order([[0, 2]]);
  const jobId = await die("email.send");
  const replay = await ops("POST", "/dead/replay", { ids: ["NORMAL-1-1"] });
  expect(replay.body.count).toBe(1);
  const headers = { "idempotency-key": crypto.randomUUID() };
  await shop.call("POST", `/admin/orders/${order.id}/refunds`, {
    json: { amountMinor: 100, reason: "scratched" },
    headers,
  });

  const path = `/timeline?key=order:${order.id}`;
  const { status, body } = await until(
    async () => {
      const answer = await ops("GET", path);
      const requests = answer.body.items.filter((one: Json) => one.type === "request");
      return requests.length >= 2 ? answer : null;
    },
    { what: "the requests" },
  );
  expect(status).toBe(200);
  const items: Json[] = body.items;
  const checkout = items.find(one => one.type === "request" && one.route === "/store/carts/:id/checkout");
  expect(checkout).toMatchObject({ method: "POST", httpStatus: 201, storeId: shop.api.store.id });
  const mine = items
    .filter(one => one.jobId === jobId)
    .map(one => `${one.type} ${one.outcome ?? one.status ?? ""}`.trim());
  expect(mine).toEqual(
    ["job.queued", "job.try retrying", "job.try dead", "job.ended dead", "dead", "dead.replayed"].toSorted(
      (a, b) => mine.indexOf(a) - mine.indexOf(b),
    ),
  );
  expect(new Set(items.filter(one => one.jobId === jobId).map(one => one.traceId))).toEqual(
    new Set([checkout.traceId]),
  );
  const again = items.find(one => one.jobId === replay.body.replayed[0].jobId);
  expect(again).toMatchObject({ type: "job.queued", kind: "email.send", traceId: checkout.traceId });
  const types = new Set(items.map(one => one.type));
  for (const type of ["order.created", "order.placed", "admin.refund"]) expect(types).toContain(type);
  // The mail about the refund has a key of its own.
  expect(items.filter(one => one.type === "request").map(one => one.route)).toContain(
    "/admin/orders/:id/refunds",
  );
  const times = items.map(one => Date.parse(one.at));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(JSON.stringify(items)).not.toContain("buyer@shop.example");
});

test("pages of jobs follow one another; a key that nobody knows is empty; bad input is named", async () => {
  const order = await shop.order([[0, 1]]);
  const key = `order:${order.id}`;
  const all = (await ops("GET", `/timeline?key=${key}`)).body.items.filter(
    (one: Json) => one.type === "job.queued",
  );
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await ops("GET", `/timeline?key=${key}&limit=1${cursor ? `&cursor=${cursor}` : ""}`);
    seen.push(...body.items.filter((one: Json) => one.type === "job.queued").map((one: Json) => one.jobId));
    cursor = body.nextCursor;
  }
  expect(seen).toEqual(all.map((one: Json) => one.jobId));
  expect((await ops("GET", "/timeline?key=order:ord_00000000000000000000000000")).body).toEqual({
    items: [],
    nextCursor: null,
  });
  for (const query of ["", "?key=", "?key=x&cursor=1", "?key=x&limit=0", "?key=x&limit=201", "?key=%00"])
    expect([query, (await ops("GET", `/timeline${query}`)).status]).toEqual([query, 422]);
});

test("jobs are found by store and by time", async () => {
  const { id } = shop.api.store;
  const day = 86_400_000;
  const at = (ms: number) => encodeURIComponent(new Date(Date.now() + ms).toISOString());
  const count = async (query: string) => (await ops("GET", `/jobs?limit=100&${query}`)).body.items.length;
  expect(await count(`storeId=${id}&since=${at(-day)}`)).toBeGreaterThan(3);
  expect(await count(`storeId=${id}&since=${at(day)}`)).toBe(0);
  expect(await count(`until=${at(-day)}`)).toBe(0);
  expect(await count("storeId=store_other")).toBe(0);
  for (const query of ["since=yesterday", "until=2026-99-99", "since=-1"])
    expect([query, (await ops("GET", `/jobs?${query}`)).status]).toEqual([query, 422]);
});
