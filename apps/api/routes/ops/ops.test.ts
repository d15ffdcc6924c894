import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTransport } from "nodemailer";
import { testServers, until } from "../../../../platform/testing/index.ts";
import { type TestApi, type TestRequest, testApi } from "../../testing.ts";

let api: TestApi;
let servers: Awaited<ReturnType<typeof testServers>>;

beforeAll(async () => {
  servers = await testServers();
  const config = { mailboxUrl: servers.mailboxUrl, stackToken: servers.mailboxToken };
  api = await testApi({ nats: true, config });
});
afterAll(() => api.close());

// biome-ignore lint/suspicious/noExplicitAny: answers are whatever came; the tests say what they must be.
type Json = Record<string, any>;

async function ops(
  method: string,
  path: string,
  options: TestRequest = {},
): Promise<{ status: number; body: Json }> {
  const response = await api.request(method, `/ops${path}`, { key: api.keys.ops, ...options });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

function addDead(letter: {
  id: string;
  kind?: string;
  payload?: unknown;
  fingerprint?: string;
  diedAt?: string;
}) {
  const {
    id,
    kind = "drill.noop.low",
    payload = {},
    fingerprint = "f1",
    diedAt = "2026-01-01T00:00:00Z",
  } = letter;
  return api.sql`
    INSERT INTO bus.dead (id, kind, version, store_id, key, payload, reason, error, stack, fingerprint, attempts,
                          traceparent, died_at)
    VALUES (${id}, ${kind}, 1, '-', 'drill:noop', ${api.sql.json(payload as never)}, 'failed', 'it broke', 'at x.ts:1',
            ${fingerprint}, 5, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', ${diedAt})`;
}

describe("jobs", () => {
  test("a job that is enqueued can be found by its key and read by its id, with the caller's trace", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const json = { kind: "drill.sleep.low", payload: { ms: 5 }, key: "drill:mine" };
    const { status, body } = await ops("POST", "/jobs", { json, headers: { traceparent } });
    expect(status).toBe(202);
    const found = await ops("GET", "/jobs?key=drill:mine");
    expect(found.body.items.map((job: Json) => job.id)).toEqual([body.id]);
    const { body: job } = await ops("GET", `/jobs/${body.id}`);
    expect(job).toMatchObject({
      kind: "drill.sleep.low",
      payload: { ms: 5 },
      storeId: "-",
      status: "queued",
    });
    expect(job.traceparent).toContain("0af7651916cd43dd8448eb211c80319c");
  });

  test("a delayed job waits in the outbox as delayed", async () => {
    const { body } = await ops("POST", "/jobs", { json: { kind: "drill.noop.high", delayMs: 60_000 } });
    expect((await ops("GET", `/jobs/${body.id}`)).body.status).toBe("delayed");
    expect((await ops("GET", "/status")).body.outbox.delayed).toBeGreaterThanOrEqual(1);
  });

  test("a job for a certain time waits for it, is listed as delayed, and is cancelled once", async () => {
    const runAt = new Date(Date.now() + 400 * 86_400_000).toISOString();
    const key = "drill:at-a-time";
    const { body } = await ops("POST", "/jobs", { json: { kind: "drill.noop.high", key, runAt } });
    const listed = await ops("GET", `/jobs?status=delayed&key=${key}`);
    expect(listed.body.items).toMatchObject([
      { id: body.id, runAt: expect.stringMatching(runAt.slice(0, 16)) },
    ]);
    const cancelled = await ops("DELETE", `/jobs/${body.id}?reason=not%20wanted`);
    expect([cancelled.status, cancelled.body.status, cancelled.body.error]).toEqual([
      200,
      "cancelled",
      "not wanted",
    ]);
    expect((await ops("DELETE", `/jobs/${body.id}`)).status).toBe(200);
    expect((await ops("GET", `/jobs?status=delayed&key=${key}`)).body.items).toEqual([]);
    expect((await ops("GET", `/jobs?status=cancelled&key=${key}`)).body.items).toHaveLength(1);
  });

  test("cancelling what ended is a conflict, what never was is not found, what is in JetStream is taken up", async () => {
    const { body } = await ops("POST", "/jobs", { json: { kind: "drill.noop.high" } });
    const row = () => api.sql`SELECT status FROM bus.job WHERE id = ${body.id}`;
    await api.sql`
      WITH gone AS (DELETE FROM bus.outbox WHERE id = ${body.id} RETURNING *)
      INSERT INTO bus.job (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload, queued_at)
      SELECT id, kind, version, priority, store_id, key, 'queued', attempt, traceparent, payload, created_at FROM gone`;
    const taken = await ops("DELETE", `/jobs/${body.id}`);
    expect([taken.status, taken.body.status]).toEqual([202, "queued"]);
    expect(taken.body.cancelRequestedAt).toBeString();
    await api.sql`UPDATE bus.job SET status = 'done' WHERE id = ${body.id}`;
    const late = await ops("DELETE", `/jobs/${body.id}`);
    expect([late.status, late.body.code]).toEqual([409, "already_ended"]);
    expect(await row()).toMatchObject([{ status: "done" }]);
    expect((await ops("DELETE", `/jobs/${Bun.randomUUIDv7()}`)).status).toBe(404);
    expect((await ops("DELETE", "/jobs/nonsense")).status).toBe(404);
    expect((await ops("DELETE", `/jobs/${body.id}?reason=`)).status).toBe(422);
  });

  test("a unique job is made once; further ones are told which, replace it, or make it wait anew", async () => {
    const job = (unique: object, more: object = {}) =>
      ops("POST", "/jobs", {
        json: { kind: "drill.noop.low", key: "drill:one", delayMs: 60_000, unique, ...more },
      });
    const { body: first } = await job({ mode: "drop" });
    expect(first.outcome).toBe("enqueued");
    expect((await job({ mode: "drop" })).body).toEqual({ id: first.id, outcome: "dropped" });
    expect((await job({ mode: "debounce" }, { payload: { ms: 9 } })).body.outcome).toBe("debounced");
    expect((await ops("GET", `/jobs/${first.id}`)).body.payload).toEqual({ ms: 9 });
    const { body: next } = await job({ mode: "replace", until: "end" });
    expect(next.outcome).toBe("replaced");
    expect((await ops("GET", `/jobs/${first.id}`)).body.status).toBe("cancelled");
    expect((await job({ mode: "drop", key: "drill:other" })).body.outcome).toBe("enqueued");
  });

  test("a job that is no drill belongs to the oldest store unless another is named", async () => {
    const json = { kind: "search.index", payload: { productId: "prod_00000000" } };
    const { body } = await ops("POST", "/jobs", { json });
    expect((await ops("GET", `/jobs/${body.id}`)).body.storeId).toBe(api.store.id);
    expect((await ops("POST", "/jobs", { json: { ...json, storeId: "store_none" } })).status).toBe(422);
  });

  test.each([
    [{ kind: "drill.unknown.low", payload: {} }, "kind"],
    [{ kind: "search.index", payload: {} }, "payload.productId"],
    [{ kind: "drill.noop.low", payload: { ms: -1 } }, "payload.ms"],
    [{ kind: "drill.noop.low", payload: { email: "a@b.c" } }, "payload.email"],
    [{ kind: "drill.noop.low", payload: [] }, "payload"],
    [{ kind: "drill.noop.low", delayMs: 2_592_000_001 }, "delayMs"],
    [{ kind: "drill.noop.low", key: "line\nbreak" }, "key"],
    [{ kind: "drill.noop.low", key: "buyer:ada@example.org" }, "key"],
    [{ kind: "drill.noop.low", unique: {} }, "unique.mode"],
    [{ kind: "drill.noop.low", unique: { mode: "drop", until: "noon" } }, "unique.until"],
    [{ kind: "drill.noop.low", unique: { mode: "drop", maxWaitMs: 5 } }, "unique.maxWaitMs"],
    [{ kind: "drill.noop.low", unique: { mode: "debounce" } }, "delayMs"],
    [{ kind: "drill.noop.low", delayMs: 5, unique: { mode: "debounce", until: "end" } }, "unique.until"],
    [{ kind: "drill.noop.low", runAt: "tomorrow" }, "runAt"],
    [{ kind: "drill.noop.low", runAt: "2999-01-01T00:00:00Z" }, "runAt"],
    [{ kind: "drill.noop.low", runAt: "2026-01-01T00:00:00Z", delayMs: 5 }, "runAt"],
  ])(
    "a job that can't be taken (%j) is a 422 that names %s and leaves nothing behind",
    async (json, path) => {
      const before = await api.sql`SELECT count(*) AS n FROM bus.outbox`;
      const { status, body } = await ops("POST", "/jobs", { json });
      expect(status).toBe(422);
      expect(body.errors.map((one: Json) => one.path)).toContain(path);
      expect(await api.sql`SELECT count(*) AS n FROM bus.outbox`).toEqual(before);
    },
  );

  test("an unknown id, a malformed id and a foreign cursor are refused", async () => {
    expect((await ops("GET", `/jobs/${Bun.randomUUIDv7()}`)).status).toBe(404);
    expect((await ops("GET", "/jobs/1%20or%201=1")).status).toBe(404);
    expect((await ops("GET", "/jobs?cursor=zzz")).status).toBe(422);
    expect((await ops("GET", "/jobs?status=lost")).status).toBe(422);
  });
});

describe("pools and kinds", () => {
  test("the view has three pools with all their kinds", async () => {
    const { status, body } = await ops("GET", "/pools");
    expect(status).toBe(200);
    expect(body.pools.map((pool: Json) => pool.priority)).toEqual(["high", "normal", "low"]);
    const kinds = body.pools.flatMap((pool: Json) => pool.kinds.map((one: Json) => one.kind));
    expect(kinds).toContain("stock.commit");
    expect(kinds).toContain("drill.crash.low");
  });

  test("a target, a cap and a pause are kept", async () => {
    const scaled = await ops("PATCH", "/pools/high", { json: { processes: 4 } });
    expect(scaled.body.pools[0].target).toBe(4);
    await ops("PATCH", "/kinds/email.send", { json: { cap: 3, paused: true } });
    await ops("PATCH", "/kinds/email.send", { json: { cap: 5 } });
    const { body } = await ops("GET", "/pools");
    const kind = body.pools
      .flatMap((pool: Json) => pool.kinds)
      .find((one: Json) => one.kind === "email.send");
    expect(kind).toMatchObject({ cap: 5, paused: true });
  });

  test("a rate limit and a pool's pause are kept and shown, and taken back", async () => {
    const rate = { limit: 100, per: "minute", burst: 2 };
    const kindOf = (body: Json, name: string) =>
      body.pools.flatMap((pool: Json) => pool.kinds).find((one: Json) => one.kind === name);
    await ops("PATCH", "/kinds/image.convert", { json: { rate } });
    const { body } = await ops("PATCH", "/pools/low", { json: { paused: true } });
    expect(body.pools[2]).toMatchObject({ paused: true, pausedSince: expect.any(String) });
    expect(kindOf(body, "image.convert")).toMatchObject({ rate, paused: true, pauses: [{ by: "pool" }] });
    expect(kindOf(body, "stock.commit")).toMatchObject({ rate: null, paused: false, pauses: [] });
    await ops("PATCH", "/kinds/image.convert", { json: { rate: null } });
    const after = await ops("PATCH", "/pools/low", { json: { paused: false } });
    expect(kindOf(after.body, "image.convert")).toMatchObject({ rate: null, paused: false });
  });

  test("an operator's number holds until the pool is given back; bounds are kept and checked against each other", async () => {
    const pool = async (json: Json) => (await ops("PATCH", "/pools/normal", { json })).body.pools[1];
    expect(await pool({ processes: 6 })).toMatchObject({ target: 6, mode: "manual" });
    expect(await pool({ floor: 2, ceiling: 8 })).toMatchObject({ mode: "manual", floor: 2, ceiling: 8 });
    expect(await pool({ auto: true })).toMatchObject({ target: null, mode: "auto", floor: 2, ceiling: 8 });
    const refused = await ops("PATCH", "/pools/normal", { json: { ceiling: 1 } });
    expect([refused.status, refused.body.errors]).toEqual([
      422,
      [{ path: "ceiling", message: "the floor (2) must not be above the ceiling (1)" }],
    ]);
    expect(await pool({ floor: null, ceiling: null })).toMatchObject({ floor: null, ceiling: null });
    expect((await ops("GET", "/pools")).body.autoscaler).toBeNull();
  });

  test.each([
    ["/pools/low", { paused: "yes" }, 422],
    ["/pools/low", { paused: null }, 422],
    ["/pools/urgent", { paused: true }, 404],
    ["/kinds/email.send", { rate: { limit: 0, per: "second" } }, 422],
    ["/kinds/email.send", { rate: { limit: 1.5, per: "second" } }, 422],
    ["/kinds/email.send", { rate: { limit: 1 } }, 422],
    ["/kinds/email.send", { rate: { limit: 1, per: "day" } }, 422],
    ["/kinds/email.send", { rate: { limit: 1, per: "second", burst: 0 } }, 422],
    ["/kinds/email.send", { rate: { limit: 1, per: "second", extra: 1 } }, 422],
    ["/kinds/email.send", { rate: 5 }, 422],
    ["/kinds/email.send", { cap: -1 }, 422],
    ["/kinds/email.send", { cap: 100_001 }, 422],
    ["/pools/urgent", { processes: 1 }, 404],
    ["/pools/high", { processes: -1 }, 422],
    ["/pools/high", { processes: 1.5 }, 422],
    ["/pools/high", {}, 422],
    ["/pools/high", { processes: 1, auto: true }, 422],
    ["/pools/high", { auto: false }, 422],
    ["/pools/high", { floor: -1 }, 422],
    ["/pools/high", { ceiling: 1_001 }, 422],
    ["/pools/high", { floor: 3, ceiling: 2 }, 422],
    ["/pools/high", { mode: "auto" }, 422],
    ["/kinds/email.fax", { paused: true }, 404],
    ["/kinds/email.send", { cap: 0 }, 422],
    ["/kinds/email.send", {}, 422],
    ["/kinds/email.send", { max: 1 }, 422],
  ])("PATCH %s with %j is %d", async (path, json, status) => {
    expect((await ops("PATCH", path, { json })).status).toBe(status);
  });
});

describe("dead letters", () => {
  test("are listed without their stacks, grouped by error, and shown with them", async () => {
    await addDead({ id: "LOW:1:1", fingerprint: "g1" });
    await addDead({ id: "LOW:1:2", fingerprint: "g1" });
    const { body } = await ops("GET", "/dead?fingerprint=g1&limit=1");
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).not.toHaveProperty("stack");
    expect(body.groups.find((one: Json) => one.fingerprint === "g1").count).toBe(2);
    const next = await ops("GET", `/dead?fingerprint=g1&cursor=${encodeURIComponent(body.nextCursor)}`);
    expect([body.items[0].id, next.body.items[0].id].sort()).toEqual(["LOW:1:1", "LOW:1:2"]);
    expect((await ops("GET", "/dead/LOW:1:1")).body.stack).toBe("at x.ts:1");
  });

  test("are replayed once, as new jobs, with a corrected payload if given", async () => {
    await addDead({ id: "LOW:2:1", fingerprint: "g2" });
    const json = { fingerprint: "g2", payload: { ms: 7 } };
    const answers = await Promise.all([
      ops("POST", "/dead/replay", { json }),
      ops("POST", "/dead/replay", { json }),
    ]);
    expect(answers.map(one => one.body.count).sort()).toEqual([0, 1]);
    const { jobId } = answers.flatMap(one => one.body.replayed)[0];
    expect((await ops("GET", `/jobs/${jobId}`)).body).toMatchObject({
      kind: "drill.noop.low",
      payload: { ms: 7 },
    });
    expect((await ops("GET", "/dead/LOW:2:1")).body).toMatchObject({ status: "replayed", replayedAs: jobId });
  });

  test("a replay with a payload that breaks the schema replays nothing", async () => {
    await addDead({ id: "LOW:3:1", fingerprint: "g3" });
    const json = { ids: ["LOW:3:1"], payload: { nonsense: 1 } };
    expect((await ops("POST", "/dead/replay", { json })).status).toBe(422);
    expect((await ops("GET", "/dead/LOW:3:1")).body.status).toBe("open");
    expect((await ops("POST", "/dead/replay", { json: {} })).status).toBe(422);
  });

  test("are discarded once, with a note", async () => {
    await addDead({ id: "LOW:4:1" });
    expect((await ops("DELETE", "/dead/LOW:4:1?note=known")).status).toBe(204);
    expect((await ops("GET", "/dead/LOW:4:1")).body).toMatchObject({
      status: "discarded",
      settledNote: "known",
    });
    const again = await ops("DELETE", "/dead/LOW:4:1");
    expect([again.status, again.body.code]).toEqual([409, "already_settled"]);
    expect((await ops("DELETE", "/dead/LOW:0:0")).status).toBe(404);
  });
});

describe("groups, discards and canaries of dead letters", () => {
  test("groups are pages, filters narrow lists, and a made-up cursor is refused", async () => {
    for (const [n, fingerprint] of ["p1", "p1", "p2"].entries())
      await addDead({ id: `LOW:5:${n}`, fingerprint });
    const first = await ops("GET", "/dead/groups?limit=1");
    expect(first.body.items).toHaveLength(1);
    const next = await ops("GET", `/dead/groups?limit=100&cursor=${first.body.nextCursor}`);
    const prints = [...first.body.items, ...next.body.items].map((one: Json) => one.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    expect(prints).toEqual(expect.arrayContaining(["p1", "p2"]));
    expect((await ops("GET", "/dead?key=drill:other")).body.items).toEqual([]);
    for (const path of [
      "/dead?cursor=x",
      "/dead/groups?cursor=WyJhIiwiYiJd",
      "/dead?status=lost",
      "/dead/canaries?cursor=1",
    ])
      expect([path, (await ops("GET", path)).status]).toEqual([path, 422]);
  });

  test("one is shown with its tries and the schema that its payload is edited by", async () => {
    await addDead({ id: "LOW:6:1" });
    const { body } = await ops("GET", "/dead/LOW:6:1");
    expect(body).toMatchObject({ tries: [], edited: false, canaryId: null });
    expect(body.schema.properties).toHaveProperty("ms");
  });

  test("a replay names each field of a payload that does not fit", async () => {
    await addDead({ id: "LOW:7:1" });
    const json = { ids: ["LOW:7:1"], payload: { ms: "soon", nonsense: 1 } };
    const { status, body } = await ops("POST", "/dead/replay", { json });
    expect(status).toBe(422);
    expect(body.errors.map((one: Json) => one.path)).toEqual(
      expect.arrayContaining(["payload.ms", "payload.nonsense"]),
    );
  });

  test("a group is discarded with a reason, from which addresses are taken out; without one it is not", async () => {
    for (const n of [1, 2]) await addDead({ id: `LOW:8:${n}`, fingerprint: "g8" });
    for (const json of [{ fingerprint: "g8" }, { fingerprint: "g8", reason: "  " }, { reason: "all" }])
      expect((await ops("POST", "/dead/discard", { json })).status).toBe(422);
    const json = { fingerprint: "g8", reason: "asked by ada@example.org" };
    expect((await ops("POST", "/dead/discard", { json })).body).toEqual({
      count: 2,
      discarded: ["LOW:8:1", "LOW:8:2"],
    });
    const { body } = await ops("GET", "/dead?fingerprint=g8&status=discarded");
    expect(body.items.map((one: Json) => one.settledNote)).toEqual(["asked by <mail>", "asked by <mail>"]);
    expect((await ops("POST", "/dead/discard", { json })).body.count).toBe(0);
  });

  test("a canary is begun, shown, listed, stopped and continued", async () => {
    for (const n of [1, 2, 3]) await addDead({ id: `LOW:9:${n}`, fingerprint: "g9" });
    const begun = await ops("POST", "/dead/canaries", { json: { fingerprint: "g9" } });
    expect([begun.status, begun.body.status, begun.body.replayed]).toEqual([202, "watching", 1]);
    const path = `/dead/canaries/${begun.body.id}`;
    const again = await ops("POST", "/dead/canaries", { json: { fingerprint: "g9" } });
    expect([again.status, again.body.code]).toEqual([409, "canary_running"]);
    expect((await ops("POST", `${path}/continue`)).body.code).toBe("not_waiting");
    expect((await ops("POST", `${path}/stop`)).body).toMatchObject({
      status: "stopped",
      stoppedBy: "operator",
    });
    expect((await ops("POST", `${path}/stop`)).status).toBe(409);
    expect((await ops("POST", `${path}/continue`)).body).toMatchObject({ status: "watching", replayed: 3 });
    expect((await ops("GET", path)).body.portion).toBe(2);
    const listed = await ops("GET", "/dead/canaries?status=watching&limit=1");
    expect(listed.body.items[0].id).toBe(begun.body.id);
    const taken = await ops("GET", `/dead?status=replayed&canaryId=${begun.body.id}`);
    expect(taken.body.items).toHaveLength(3);
  });

  test.each([
    [{}, 422],
    [{ fingerprint: "nobody" }, 404],
    [{ fingerprint: "g10", size: 0 }, 422],
    [{ fingerprint: "g10", size: 501 }, 422],
    [{ fingerprint: "g10", stopOn: "never" }, 422],
    [{ fingerprint: "g10", payload: { nonsense: 1 } }, 422],
    [{ ids: ["\u0000"] }, 422],
  ])("a canary of %j is a %d and replays nothing", async (json, status) => {
    await addDead({ id: `LOW:10:${Bun.hash(JSON.stringify(json))}`, fingerprint: "g10" });
    expect((await ops("POST", "/dead/canaries", { json })).status).toBe(status);
    const { body } = await ops("GET", "/dead?fingerprint=g10&status=replayed");
    expect(body.items).toEqual([]);
    const unknown = `/dead/canaries/${Bun.randomUUIDv7()}`;
    expect((await ops("GET", unknown)).status).toBe(404);
    expect((await ops("POST", `${unknown}/stop`)).status).toBe(404);
    expect((await ops("GET", "/dead/canaries/x%27")).status).toBe(422);
  });
});

describe("mailbox", () => {
  test("shows caught mails", async () => {
    const to = `${crypto.randomUUID()}@example.org`;
    await createTransport(servers.smtpUrl).sendMail({ from: "a@b.c", to, subject: "Hello", text: "there" });
    const { body } = await ops("GET", "/mailbox?limit=100");
    const mail = body.items.find((one: Json) => one.to.includes(to));
    expect(mail).toMatchObject({ subject: "Hello", to: [to] });
    expect((await ops("GET", `/mailbox/${mail.id}`)).body.text.trim()).toBe("there");
    expect((await ops("GET", "/mailbox/mail_0000000000")).status).toBe(404);
    expect((await ops("GET", "/mailbox/..%2f..%2fetc")).status).toBe(422);
  });
});

describe("without NATS", () => {
  test("jobs are still taken, the pools are a 503", async () => {
    const alone = await testApi();
    try {
      const json = { kind: "drill.noop.low" };
      expect((await alone.request("POST", "/ops/jobs", { json, key: alone.keys.ops })).status).toBe(202);
      const pools = await alone.request("GET", "/ops/pools", { key: alone.keys.ops });
      expect([pools.status, pools.headers.get("retry-after")]).toEqual([503, "1"]);
      const mailbox = await alone.request("GET", "/ops/mailbox", { key: alone.keys.ops });
      expect([mailbox.status, ((await mailbox.json()) as Json).code]).toEqual([404, "no_mailbox"]);
    } finally {
      await alone.close();
    }
  });
});

describe("progress of jobs", () => {
  test("a job shows how far it is until it has ended, and its events follow it to the end", async () => {
    const { body } = await ops("POST", "/jobs", { json: { kind: "drill.noop.high", delayMs: 60_000 } });
    expect((await ops("GET", `/jobs/${body.id}`)).body.progress).toBeNull();
    await api.bus.progress.prepare();
    const reporter = api.bus.progress.reporter({ id: body.id, attempt: 1 }, "host:1:a");
    reporter.step({ done: 1, total: 4, note: "rows" });
    await until(async () => (await ops("GET", `/jobs/${body.id}`)).body.progress);
    expect((await ops("GET", `/jobs/${body.id}`)).body.progress).toMatchObject({
      fraction: 0.25,
      worker: "host:1:a",
    });

    const response = await api.request("GET", `/ops/jobs/${body.id}/events`, { key: api.keys.ops });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("event: progress")) text += (await reader.read()).value ?? "";
    expect((await ops("DELETE", `/jobs/${body.id}`)).status).toBe(200);
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => ({
      name,
      data: JSON.parse(data!),
    }));
    expect(events[0]).toMatchObject({ name: "job", data: { status: "delayed" } });
    expect(events.at(-1)).toMatchObject({ name: "job", data: { status: "cancelled" } });
    expect((await ops("GET", `/jobs/${body.id}`)).body.progress).toBeNull();
  });

  test("events of a job that never was are not found", async () => {
    expect((await ops("GET", `/jobs/${Bun.randomUUIDv7()}/events`)).status).toBe(404);
    expect((await ops("GET", "/jobs/nonsense/events")).status).toBe(404);
  });
});
