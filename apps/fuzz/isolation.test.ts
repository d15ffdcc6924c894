/** A store's keys against another store's things, and keys of one kind against the routes of another: on each route. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../commerce/stores/index.ts";
import { requestLogOf } from "../api/http/per-node.ts";
import { type TestApi, testApi } from "../api/testing.ts";
import { type Attack, attacksOn, requestOf } from "./attacks.ts";
import { type Description, makeWorld, type Operation, operationsOf, type Send, type World } from "./index.ts";

/** Bodies that fit are drawn; some of them are refused for another reason before anything is looked up. */
const DRAWS = 8;

let api: TestApi;
let dir: string;
let world: World;
let operations: Operation[];
const send: Send = async request => api.app.handle(request);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-isolation-"));
  api = await testApi({ config: { mediaDir: dir, rateLimitFactor: 1_000_000 } });
  world = await makeWorld(send, api.keys.ops);
  operations = operationsOf((await (await api.request("GET", "/openapi.json")).json()) as Description);
});
afterAll(async () => {
  await api.close();
  await rm(dir, { recursive: true });
});

const ofStores = () => operations.filter(one => one.area === "store" || one.area === "admin");
const nameOf = ({ method, path }: Operation) => `${method} ${path}`;

/** A checksum of all that the database holds of a store, by table. */
async function belongings(storeId: string): Promise<Record<string, string>> {
  const tables = await api.sql<{ name: string }[]>`
    SELECT format('%I.%I', c.table_schema, c.table_name) AS name
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.column_name = 'store_id' AND t.table_type = 'BASE TABLE' ORDER BY 1`;
  const sums: Record<string, string> = {};
  for (const { name } of tables) {
    const [row] = await api.sql.unsafe(
      `SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) AS sum FROM ${name} t WHERE store_id = $1`,
      [storeId],
    );
    sums[name] = row!.sum;
  }
  return sums;
}

/** Refused because there is no such thing, for this key. */
const NOT_THERE = [401, 403, 404];

/** What changes nothing of anybody when it names what is not there. */
const harmless: Record<string, string> = {
  "POST /store/search/clicks body productId":
    "counted for the shop that sends it; shown where the product is its own",
  "POST /admin/price-lists/{id}/entries body remove.0.variantId": "what is not in the list is not removed",
};

/** Places in which an id of another store was taken for one that may be used. */
function taken(outcomes: ReadonlyMap<string, number[]>): string[] {
  return [...outcomes]
    .filter(([name]) => !name.includes(" query ") && !harmless[name])
    .filter(([name, statuses]) => {
      const isSeen = statuses.some(status => NOT_THERE.includes(status));
      return statuses.some(status => status < 400) || (name.includes(" path ") && !isSeen);
    })
    .map(([name, statuses]) => `${name}: ${[...new Set(statuses)]}`);
}

test("no id of another store opens, shows or changes anything, in any place of any route", async () => {
  // What made the store is still being noted.
  await requestLogOf(api.deps).flush();
  const before = await belongings(world.other.storeId);
  expect(Object.keys(before).length).toBeGreaterThan(40);
  const outcomes = new Map<string, number[]>();
  const leaks: string[] = [];
  const attempt = async ({ operation, where, foreignId, request }: Attack) => {
    const response = await send(request);
    const text = response.headers.get("content-type")?.startsWith("text/event-stream")
      ? ""
      : await response.text();
    const name = `${nameOf(operation)} ${where}`;
    outcomes.set(name, [...(outcomes.get(name) ?? []), response.status]);
    const shown = world.other.pool.all.filter(
      id => id !== foreignId && id.includes("_") && text.includes(id),
    );
    if (text.includes(world.other.marker) || shown.length > 0) leaks.push(`${name}: ${text.slice(0, 300)}`);
    if (response.status < 400 && text.includes(foreignId))
      leaks.push(`${name} shows it: ${text.slice(0, 300)}`);
  };
  for (const operation of ofStores()) {
    for (let n = 0; n < DRAWS; n++)
      for (const attack of attacksOn(world, operation, n)) await attempt(attack);
  }
  expect(leaks).toEqual([]);
  expect(taken(outcomes)).toEqual([]);
  expect(outcomes.size).toBeGreaterThan(100);
  expect(await belongings(world.other.storeId)).toEqual(before);
});

test("who logs in takes over no cart of another store", async () => {
  const { mine, other } = world;
  const account = { email: `${mine.marker}@shop.example`, password: `a long one for ${mine.marker}` };
  for (const cartId of other.pool.of("cart")) {
    const answer = await api.request("POST", "/store/sessions", {
      key: mine.publishable,
      json: { ...account, cartId },
    });
    expect(answer.status).toBe(201);
    expect(await answer.text()).not.toMatch(new RegExp(`${other.marker}|${cartId}`));
  }
});

test("a session of a customer of one store is nobody's in another", async () => {
  const headers = {
    authorization: `Bearer ${world.other.session}`,
    "x-publishable-key": world.mine.publishable,
  };
  for (const path of ["/store/customers/me", "/store/customers/me/orders"]) {
    const answer = await api.request("GET", path, { headers });
    expect(answer.status).toBe(401);
  }
});

test("routes that want no key are these, and a new one is looked at by a person", () => {
  const open = operations.filter(one => one.area === "open" || one.area === "console").map(nameOf);
  expect(open.toSorted()).toEqual([
    "DELETE /console/session",
    "GET /console",
    "GET /console/events",
    "GET /console/mail/{id}",
    "GET /console/session",
    "GET /docs",
    "GET /healthz",
    "GET /media/private/{file}",
    "GET /media/{file}",
    "GET /media/{file}/{size}",
    "GET /metrics",
    "GET /openapi.json",
    "GET /readyz",
    "POST /console/session",
    "POST /webhooks/stripe",
    "POST /webhooks/stripe/{storeId}",
  ]);
});

/** A back office may ask for prices of any customer group; the store is the key's here too. */
function alsoOpen(operation: Operation, { authorization }: Record<string, string>): boolean {
  return (
    nameOf(operation) === "POST /store/prices/resolve" && authorization === `Bearer ${world.mine.secret}`
  );
}

test("a key opens the routes of its kind and no others", async () => {
  const view = await createKey(api.sql, {
    kind: "secret",
    storeId: world.mine.storeId,
    name: "looks",
    role: "view",
  });
  const { publishable, secret, session } = world.mine;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const wrong: Record<string, Record<string, string>[]> = {
    store: [
      {},
      { "x-publishable-key": secret },
      { "x-publishable-key": world.opsKey },
      bearer(secret),
      bearer(session),
    ],
    admin: [
      {},
      { "x-publishable-key": publishable },
      bearer(publishable),
      bearer(world.opsKey),
      bearer(session),
    ],
    ops: [{}, { "x-publishable-key": publishable }, bearer(secret), bearer(publishable), bearer(session)],
  };
  const opened: string[] = [];
  for (const operation of operations.filter(one => wrong[one.area])) {
    const asked = requestOf(world, { ...operation, parameters: [] }, 0);
    const body = await asked.arrayBuffer();
    const again = async (headers: Record<string, string>) => {
      const all = new Headers(asked.headers);
      for (const name of ["authorization", "x-publishable-key"]) all.delete(name);
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      const { method } = operation;
      const answer = await send(
        new Request(asked.url, { method, headers: all, body: body.byteLength ? body : null }),
      );
      await answer.body?.cancel();
      return answer.status;
    };
    for (const headers of wrong[operation.area]!) {
      const status = await again(headers);
      const isRefused = status === 401 || status === 403;
      if (!isRefused && !alsoOpen(operation, headers)) opened.push(`${nameOf(operation)} ${status}`);
    }
    const isChange = operation.method !== "GET" && operation.method !== "HEAD";
    if (operation.area === "admin" && isChange) {
      const status = await again(bearer(view.key));
      if (status !== 403) opened.push(`${nameOf(operation)} by a key that may only look: ${status}`);
    }
  }
  expect(opened).toEqual([]);
});
