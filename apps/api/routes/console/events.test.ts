import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey, revokeKey } from "../../../../commerce/stores/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
const own = { "sec-fetch-site": "same-origin", "x-tradewind-console": "1" };

beforeAll(async () => {
  api = await testApi({ nats: true, config: { rateLimitFactor: 1_000 } });
});
afterAll(() => api.close());

type Heard = { event: string; data: Record<string, unknown> };

/** The events of a stream one by one, until it ends. */
async function* heard(response: Response): AsyncGenerator<Heard, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body!) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/m.exec(block) ?? [];
      if (event) yield { event, data: JSON.parse(data!) };
    }
  }
}

async function cookieOf(key: string): Promise<string> {
  const answer = await api.request("POST", "/console/session", { json: { key }, headers: own });
  return answer.headers.get("set-cookie")!.split(";")[0]!;
}

const listen = (headers: Record<string, string>) =>
  api.request("GET", "/console/events", { headers: { "sec-fetch-site": "same-origin", ...headers } });

async function first(response: Response, event: string): Promise<Heard> {
  for await (const one of heard(response)) if (one.event === event) return one;
  throw new Error(`the stream ended without ${event}`);
}

test("the stream brings its history, then the pools; who comes later has the past of who came first", async () => {
  const early = await listen({ authorization: `Bearer ${api.keys.ops}` });
  const events: Heard[] = [];
  for await (const one of heard(early)) {
    events.push(one);
    if (events.length === 3) break;
  }
  expect(events.map(one => one.event)).toEqual(["history", "pools", "pools"]);
  expect(events[1]!.data).toMatchObject({
    at: expect.any(Number),
    status: { dead: 0 },
    pools: [{ priority: "high" }, { priority: "normal" }, { priority: "low" }],
  });
  const later = await first(await listen({ cookie: await cookieOf(api.keys.ops) }), "history");
  expect((later.data.points as unknown[]).length).toBeGreaterThanOrEqual(2);
});

test("the stream is for operators, and for our own pages", async () => {
  expect((await listen({})).status).toBe(401);
  expect((await listen({ cookie: await cookieOf(api.keys.secret) })).status).toBe(403);
  const cookie = await cookieOf(api.keys.ops);
  expect((await listen({ cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
});

test("the stream ends with the session that opened it", async () => {
  const { id, key } = await createKey(api.sql, { kind: "ops", storeId: null, name: "leaves" });
  const response = await listen({ cookie: await cookieOf(key) });
  const ended = first(response, "ended");
  await revokeKey(api.sql, id);
  expect((await ended).data).toEqual({});
});

test("while NATS is away the stream says so, and goes on", async () => {
  const alone = await testApi();
  try {
    const headers = { authorization: `Bearer ${alone.keys.ops}` };
    const response = await alone.request("GET", "/console/events", { headers });
    const said: Heard[] = [];
    for await (const one of heard(response)) {
      if (one.event === "away") said.push(one);
      if (said.length === 2) break;
    }
    expect(said[0]!.data).toMatchObject({ code: "unavailable", detail: expect.stringContaining("job bus") });
  } finally {
    await alone.close();
  }
});

test("a caught mail is shown under a policy that lets it do nothing, to operators only", async () => {
  const cookie = await cookieOf(api.keys.ops);
  const none = await api.request("GET", "/console/mail/mail_nothing", { headers: { cookie } });
  expect([none.status, ((await none.json()) as { code: string }).code]).toEqual([404, "no_mailbox"]);
  const path = "/console/mail/..%2f..%2fetc";
  expect((await api.request("GET", path, { headers: { cookie } })).status).toBe(422);
  expect((await api.request("GET", "/console/mail/mail_1")).status).toBe(401);
});
