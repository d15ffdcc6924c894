import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey, revokeKey } from "../../../commerce/stores/index.ts";
import { newId } from "../../../platform/ids.ts";
import { until } from "../../../platform/testing/index.ts";
import { indexProducts } from "../../../search/index.ts";
import { product } from "../../../search/testing.ts";
import { searchOf } from "../routes/store/search.ts";
import { type TestApi, testApi } from "../testing.ts";
import { hotAnswersOf } from "./hot-answers.ts";

const drain = { active: false };
let api: TestApi;
let longWay = 0;
const id = newId("prod");
let path: string;

function stock(title: string): Promise<unknown> {
  const products = async () => [product(id, { title })];
  return indexProducts({ sql: api.sql, engine: null, products }, api.store.id, [id]);
}

beforeAll(async () => {
  api = await testApi({ deps: { drain } });
  await stock("Copper kettle");
  const json = { title: "Tea pot", status: "active", description: "x".repeat(2_000), variants: [{}] };
  const made = await api.request("POST", "/admin/products", { key: api.keys.secret, json });
  path = `/store/products/${((await made.json()) as { id: string }).id}`;
}, 120_000);
afterAll(() => api.close());

/** As the server does (main.ts). */
async function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  const request = new Request(`http://localhost${path}`, {
    method,
    headers: { "x-publishable-key": api.keys.publishable, ...headers },
  });
  const known = hotAnswersOf(api.deps).answer(request);
  if (known) return known;
  longWay++;
  return api.app.fetch(request);
}

const isHot = (answer: Response) => !answer.headers.has("x-request-id");

/** Asks until the answer comes from here. */
async function heat(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return until(async () => {
    const answer = await get(path, headers);
    return isHot(answer) ? answer : null;
  });
}

describe("a product", () => {
  test("is answered with the same bytes and the same headers as by its route", async () => {
    await heat(path);
    for (const encoding of ["identity", "gzip", "zstd"]) {
      const headers = { "accept-encoding": encoding };
      const long = await get(path, { ...headers, "x-request-id": "long" });
      const hot = await heat(path, headers);
      expect(Buffer.from(await hot.arrayBuffer())).toEqual(Buffer.from(await long.arrayBuffer()));
      for (const name of [
        ...["etag", "content-type", "content-encoding", "vary", "cache-control", "surrogate-key"],
        ...["access-control-allow-origin", "x-node", "x-content-type-options", "x-cache"],
      ]) {
        expect([name, hot.headers.get(name)]).toEqual([name, long.headers.get(name)]);
      }
      expect(hot.headers.get("x-cache")).toBe("HIT");
    }
  });

  test("lets shared caches keep it, by shop and encoding, and purge it by what it was made of", async () => {
    const { headers } = await heat(path);
    expect(headers.get("cache-control")).toMatch(/public, .*s-maxage=1, stale-while-revalidate=1/);
    expect(headers.get("vary")).toBe("x-publishable-key, accept-encoding");
    expect(headers.get("surrogate-key")).toContain(`product:${path.split("/").at(-1)}`);
    expect(Number(headers.get("age"))).toBeGreaterThanOrEqual(0);
  });

  test("is not sent to who has it, by a list of tags, weak ones, or a star; with HEAD it has no body", async () => {
    const etag = (await heat(path)).headers.get("etag")!;
    for (const condition of [etag, `"other", W/${etag}`, "*", `${etag.slice(0, -1)}-gzip"`]) {
      const answer = await heat(path, { "if-none-match": condition });
      expect([condition, answer.status, await answer.text()]).toEqual([condition, 304, ""]);
      expect(answer.headers.get("etag")).toBe(etag);
    }
    expect((await heat(path, { "if-none-match": '"other"' })).status).toBe(200);
    const server = Bun.serve({ port: 0, fetch: request => hotAnswersOf(api.deps).answer(request)! });
    await get(path);
    const headers = { "x-publishable-key": api.keys.publishable, "accept-encoding": "identity" };
    const head = await fetch(`${server.url.origin}${path}`, { method: "HEAD", headers });
    expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([200, "", etag]);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(2_000);
    await server.stop(true);
  });

  test("is another one as soon as a change is answered", async () => {
    for (let n = 0; n < 20; n++) {
      await heat(path);
      const json = { title: `Tea pot ${n}` };
      const headers = { "if-match": "*" };
      await api.request("PATCH", `/admin${path.slice(6)}`, { key: api.keys.secret, json, headers });
      expect(await (await get(path)).text()).toContain(json.title);
    }
  });

  test("is nobody's whose key was revoked a second ago", async () => {
    const storeId = api.store.id;
    const { id, key } = await createKey(api.sql, { kind: "publishable", storeId, name: "short" });
    const headers = { "x-publishable-key": key };
    await heat(path, headers);
    const revokedAt = performance.now();
    await revokeKey(api.sql, id);
    const statuses = new Set<number>();
    while (performance.now() < revokedAt + 1_100) {
      statuses.add((await get(path, headers)).status);
      await Bun.sleep(20);
    }
    expect(statuses.has(401)).toBe(true);
    expect((await get(path, headers)).status).toBe(401);
  });

  test("by another store's key is not found", async () => {
    await heat(path);
    const other = await testApi();
    const request = new Request(`http://localhost${path}`, {
      headers: { "x-publishable-key": other.keys.publishable },
    });
    expect(hotAnswersOf(api.deps).answer(request)).toBeUndefined();
    await other.close();
  });
});

describe("a search", () => {
  test("that was given before is answered at once, with the same bytes, and counted", async () => {
    const first = await get("/store/search?q=kettle");
    const hot = await heat("/store/search?q=kettle");
    expect(await hot.text()).toBe(await first.text());
    expect(hot.headers.get("x-cache")).toBe("HIT");
    expect(hot.headers.get("etag")).toBe(first.headers.get("etag"));
    await searchOf(api.deps).counter.flush();
    const [row] = await api.sql`SELECT searches FROM search.query_day WHERE query = 'kettle'`;
    expect(row?.searches).toBeGreaterThanOrEqual(3);
  });

  test("shows a change", async () => {
    await heat("/store/search?q=kettle&limit=1");
    await stock("Iron kettle");
    await until(async () => (await (await get("/store/search?q=kettle&limit=1")).text()).includes("Iron"));
  });

  test("that is refused is not kept", async () => {
    for (let i = 0; i < 3; i++) expect((await get("/store/search?limit=0")).status).toBe(422);
  });
});

test("another key or query, credentials, a trace, or a drain goes the long way", async () => {
  const search = "/store/search?q=kettle";
  await heat(search);
  const answers = [
    await get(search, { "x-publishable-key": "pk_of_nobody" }),
    await get("/store/search?q=kettles"),
    await get(search, { cookie: "tradewind_session=x" }),
    await get(search, { authorization: "Bearer x" }),
    await get(search, { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }),
  ];
  drain.active = true;
  answers.push(await get(search));
  drain.active = false;
  expect(answers.map(one => one.status)).toEqual([401, 200, 200, 200, 200, 200]);
  expect(answers.map(isHot)).toEqual(Array(6).fill(false));
  expect(longWay).toBeGreaterThan(6);
});
