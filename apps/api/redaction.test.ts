/** Requests that carry secrets and personal data, some of which fail inside: none of it is in a log or an answer. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { Elysia } from "elysia";
import { createLog } from "../../platform/log.ts";
import type { ApiDeps } from "./deps.ts";
import { accessLogOf } from "./http/access-log.ts";
import { type TestApi, type TestRequest, testApi } from "./testing.ts";

const MAIL = "ada.lovelace@example.org";
const PASSWORD = "correct-horse-battery-staple";
const CARD = "4242 4242 4242 4242";
const KEY = "sk_0123456789abcdefghjkmnpqrstvwxyz";
const TOKEN = "pwr_0123456789abcdefghjkmnpqrstvwxyz";
const CART = "cart_06h2nqap57r8nk7yfsyzd3mgztjwvf50";
const DATABASE = "postgres://shop:hunter2@db.internal:5432/shop";
const COOKIE =
  "tradewind_session=sess_0123456789abcdefghjkmnpqrstvwxyz; tradewind_console=con_0123456789abcdefghjkmnpqrstvwxyz";
const secrets = [
  MAIL,
  PASSWORD,
  CARD,
  KEY,
  TOKEN,
  CART,
  "hunter2",
  "sess_0123456789",
  "con_0123456789",
  "ada.lovelace",
];

let api: TestApi;
const logged: string[] = [];
const answers: string[] = [];

/** Defects as libraries make them: with values in their messages, causes and fields. */
function defects({ sql }: ApiDeps) {
  return new Elysia({ prefix: "/drill" })
    .get("/message", () => {
      throw new Error(`no answer from ${DATABASE} for ${MAIL}, card ${CARD}, key ${KEY}`);
    })
    .get("/cause", () => {
      throw new Error("failed", { cause: new Error(`550 <${MAIL}>: ${TOKEN}`) });
    })
    .get("/fields", () => {
      const request = { headers: { authorization: `Bearer ${KEY}`, cookie: COOKIE } };
      throw Object.assign(new Error("rejected"), {
        request,
        body: { password: PASSWORD },
        password: PASSWORD,
      });
    })
    .get("/aggregate", () => {
      throw new AggregateError([new Error(MAIL), new Error(DATABASE)], `all failed for ${MAIL}`);
    })
    .get("/unique", async () => {
      await sql`CREATE TABLE IF NOT EXISTS public.person (email text PRIMARY KEY, card text)`;
      for (let n = 0; n < 2; n++) await sql`INSERT INTO public.person VALUES (${MAIL}, ${CARD})`;
    })
    .get("/cast", async () => sql`SELECT ${MAIL}::text::int`);
}

beforeAll(async () => {
  const destination = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const log = createLog({ level: "debug", process: "test", destination });
  api = await testApi({ log, areas: deps => [defects(deps)], config: { rateLimitFactor: 1_000 } });
});
afterAll(() => api.close());

async function ask(method: string, path: string, request: TestRequest = {}): Promise<number> {
  const headers = { cookie: COOKIE, "x-forwarded-for": "203.0.113.7", ...request.headers };
  const response = await api.request(method, path, { ...request, headers });
  answers.push(`${JSON.stringify([...response.headers])} ${await response.text()}`);
  return response.status;
}

test("no secret and nothing that names a person is in the logs, nor in an answer", async () => {
  const { publishable, secret, ops } = api.keys;
  const person = { email: MAIL, password: PASSWORD, name: "Ada" };
  for (const path of ["message", "cause", "fields", "aggregate", "unique", "cast"]) {
    expect(await ask("GET", `/drill/${path}`)).toBe(500);
  }
  await ask("GET", "/admin/orders", { headers: { authorization: `Bearer ${KEY}` } });
  await ask("GET", `/store/cart/${CART}?token=${TOKEN}&email=${MAIL}`, { key: publishable });
  await ask("GET", `/unknown/${KEY}/${encodeURIComponent(MAIL)}/${TOKEN}`);
  await ask("PUT", `/store/password-resets/${TOKEN}`, { key: publishable, json: { password: PASSWORD } });
  await ask("POST", "/store/sessions", { key: publishable, json: person });
  await ask("POST", "/store/carts", {
    key: publishable,
    json: { email: MAIL, note: CARD, nickname: PASSWORD },
  });
  await ask("POST", "/ops/jobs", { key: ops, json: { kind: "email.send", payload: { to: MAIL } } });
  await ask("POST", "/admin/erasures", { key: secret, json: { email: MAIL, reason: PASSWORD } });
  await ask("POST", "/console/session", { json: { key: KEY } });
  // The table is away: every statement fails with its values in hand.
  await api.sql`ALTER TABLE customers.customer RENAME TO gone`;
  for (const [method, path] of [
    ["POST", "/store/customers"],
    ["POST", "/store/sessions"],
  ] as const) {
    expect(await ask(method, path, { key: publishable, json: { email: MAIL, password: PASSWORD } })).toBe(
      500,
    );
  }
  expect(
    await ask("POST", "/store/password-resets", { key: publishable, json: { email: MAIL } }),
  ).toBeLessThan(501);

  accessLogOf(api.deps).flush();
  const text = logged.join("");
  expect(text).toContain("request failed");
  expect(text).toContain("duplicate key value");
  expect(text.split("\n").length).toBeGreaterThan(20);
  const all = [...secrets, publishable, secret, ops];
  expect(all.filter(one => text.includes(one))).toEqual([]);
  // Handed out by nobody here, so it is in no answer either.
  expect(all.filter(one => answers.join("\n").includes(one))).toEqual([]);
  expect(answers.join("\n")).not.toMatch(/SELECT|INSERT|\.ts:\d|node_modules|relation|public\.person/);
});
