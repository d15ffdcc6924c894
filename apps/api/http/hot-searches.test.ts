import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../../platform/ids.ts";
import { until } from "../../../platform/testing/index.ts";
import { indexProducts } from "../../../search/index.ts";
import { product } from "../../../search/testing.ts";
import { searchOf } from "../routes/store/search.ts";
import { type TestApi, testApi } from "../testing.ts";
import { hotSearchesOf } from "./hot-searches.ts";

const drain = { active: false };
let api: TestApi;
let longWay = 0;
const id = newId("prod");

function stock(title: string): Promise<unknown> {
  const products = async () => [product(id, { title })];
  return indexProducts({ sql: api.sql, engine: null, products }, api.store.id, [id]);
}

beforeAll(async () => {
  api = await testApi({ deps: { drain } });
  await stock("Copper kettle");
}, 30_000);
afterAll(() => api.close());

/** As the server does (main.ts). */
async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const hot = hotSearchesOf(api.deps);
  const request = new Request(`http://localhost${path}`, {
    headers: { "x-publishable-key": api.keys.publishable, ...headers },
  });
  const known = hot.answer(request);
  if (known) return known;
  longWay++;
  return hot.keep(request, api.app.fetch(request));
}

/** Asks until the answer comes from here. */
async function heat(path: string): Promise<Response> {
  return until(async () => {
    const before = longWay;
    const answer = await get(path);
    return longWay === before ? answer : null;
  });
}

test("a search that was given before is answered at once, with the same bytes, and counted", async () => {
  const first = await get("/store/search?q=kettle");
  const hot = await heat("/store/search?q=kettle");
  expect(await hot.text()).toBe(await first.text());
  expect(hot.headers.get("x-cache")).toBe("HIT");
  expect(hot.headers.get("content-type")).toContain("application/json");
  expect(hot.headers.get("etag")).toBe(first.headers.get("etag"));
  expect(hot.headers.has("x-request-id")).toBe(false);
  await searchOf(api.deps).counter.flush();
  const [row] = await api.sql`SELECT searches FROM search.query_day WHERE query = 'kettle'`;
  expect(row?.searches).toBeGreaterThanOrEqual(3);
});

test("another key, query, encoding, a condition, a log-in or a drain goes the long way", async () => {
  await heat("/store/search?q=kettle");
  const answers = [
    await get("/store/search?q=kettle", { "x-publishable-key": "pk_of_nobody" }),
    await get("/store/search?q=kettles"),
    await get("/store/search?q=kettle", { "accept-encoding": "gzip" }),
    await get("/store/search?q=kettle", { "if-none-match": "*" }),
    await get("/store/search?q=kettle", { cookie: "tradewind_session=x" }),
  ];
  drain.active = true;
  answers.push(await get("/store/search?q=kettle"));
  drain.active = false;
  expect(answers.map(one => one.status)).toEqual([401, 200, 200, 304, 200, 200]);
  for (const { headers } of answers) expect(headers.has("x-request-id")).toBe(true);
});

test("a change shows", async () => {
  await heat("/store/search?q=kettle&limit=1");
  await stock("Iron kettle");
  await until(async () => (await (await get("/store/search?q=kettle&limit=1")).text()).includes("Iron"));
});

test("errors are not kept", async () => {
  for (let i = 0; i < 3; i++) expect((await get("/store/search?limit=0")).status).toBe(422);
});
