/** A person is forgotten, with a real API, keeper and workers; their mail was refused by a server that quoted their name. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Socket, Subprocess, TCPSocketListener } from "bun";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { testServers, until } from "../../platform/testing/index.ts";
import { type TestApi, type TestRequest, testApi } from "../api/testing.ts";
import { modules } from "../migrations.ts";

setDefaultTimeout(60_000);
const root = join(import.meta.dir, "../..");

// biome-ignore lint/suspicious/noExplicitAny: answers are whatever came; the tests say what they must be.
type Json = any;

const person = {
  email: "Ada.Quillfeather@Mail.example",
  name: "Ada Quillfeather",
  phone: "+44 20 7946 0123",
  password: "correct horse battery",
};
const address = {
  name: person.name,
  line1: "17 Lantern Quay",
  city: "Bristolhaven",
  postalCode: "ZX9 8QP",
  country: "GB",
};
const words = [
  person.email,
  person.name,
  person.phone,
  address.line1,
  address.city,
  address.postalCode,
  "left of the harbour",
];

let api: TestApi;
let smtp: TCPSocketListener;
let variantId: string;
const processes: Subprocess[] = [];

/** Refuses every recipient, and says in its own words why. */
function refusingServer(): TCPSocketListener {
  const answer = (socket: Socket, data: Buffer) => {
    const line = data.toString();
    if (/^EHLO|^HELO/i.test(line)) socket.write("250 refuser\r\n");
    else if (/^RCPT/i.test(line))
      socket.write(`550 ${person.name} of 17 lantern quay <${person.email}> has moved\r\n`);
    else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
    else socket.write("250 ok\r\n");
  };
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: socket => void socket.write("220 refuser\r\n"), data: answer },
  });
}

beforeAll(async () => {
  const { redisUrl, redisToken } = await testServers();
  api = await testApi({ nats: true, config: { redisUrl, redisToken } });
  smtp = refusingServer();
  const { host, port, user, pass, database } = api.sql.options as unknown as Record<string, Json>;
  const natsUrl = api.natsUrl!;
  const env = {
    PATH: process.env.PATH ?? "",
    DATABASE_URL: `postgres://${user}:${pass ?? ""}@${host[0]}:${port[0]}/${database}`,
    NATS_URL: natsUrl,
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    TRADEWIND_LOG_LEVEL: "silent",
  };
  const spawn = (program: string, more: Record<string, string> = {}) =>
    processes.push(
      Bun.spawn([process.execPath, join(root, program)], {
        env: { ...env, ...more },
        stdout: "ignore",
        stderr: "inherit",
      }),
    );
  spawn("apps/keeper/main.ts");
  for (const pool of ["normal", "low"]) spawn("workers/main.ts", { TRADEWIND_POOL: pool });
  variantId = await stocked();
});
afterAll(async () => {
  for (const child of processes) child.kill("SIGKILL");
  await Promise.all(processes.map(child => child.exited));
  smtp.stop(true);
  await api.close();
});

function stocked(): Promise<string> {
  const storeId = api.store.id;
  return transaction(api.sql, async tx => {
    const variants = [{ ref: 0, optionValues: [], sku: "K-1" }];
    const product = { ref: 0, handle: "kettle", title: "Kettle", status: "active" as const, variants };
    const [one] = (await upsertProducts(tx, storeId, [product])).variants;
    await setPrices(tx, storeId, "EUR", [{ ...one!, amountMinor: 1_000, compareAtMinor: null }]);
    const rows = [{ ...one!, onHand: 100 }];
    await tx`SELECT inventory.set_initial(${storeId}, ${tx.json(rows as never)}, 'new', 'test')`;
    return one!.variantId;
  });
}

async function call(
  method: string,
  path: string,
  request: TestRequest = {},
): Promise<{ status: number; body: Json; text: string }> {
  const { publishable, secret, ops } = api.keys;
  const key = path.startsWith("/admin") ? secret : path.startsWith("/ops") ? ops : publishable;
  const response = await api.request(method, path, { key, ...request });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text || "null"), text };
}

const elsewhere = { ...address, name: "Bob", line1: "2 Hill Road", city: "York", postalCode: "YO1 1AA" };

async function buy(email: string, key: string, headers: Record<string, string> = {}): Promise<Json> {
  const cart = await call("POST", "/store/carts", { json: { email }, headers });
  const path = `/store/carts/${cart.body.id}`;
  await call("POST", `${path}/lines`, { json: { variantId, quantity: 1 } });
  await call("PATCH", path, {
    json: email.startsWith("bob")
      ? { shippingAddress: elsewhere }
      : { shippingAddress: address, note: "left of the harbour" },
  });
  return { path, ...(await checkOut(path, key)).body };
}

function checkOut(path: string, key: string) {
  const json = { payment: { provider: "test", token: "ok" } };
  return call("POST", `${path}/checkout`, { json, headers: { "idempotency-key": key } });
}

/** Tables where one of the person's words stands, with how many rows. */
async function found(): Promise<Record<string, number>> {
  const schemas = modules.map(module => module.name);
  const tables = await api.sql<{ name: string }[]>`
    SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = ANY(${schemas})
      AND tablename NOT LIKE '%\\_default' ORDER BY 1`;
  const hits: Record<string, number> = {};
  for (const { name } of tables) {
    const rows = await api.sql.unsafe(`SELECT count(*) AS n FROM ${name} t WHERE t::text ILIKE ANY($1)`, [
      words.map(word => `%${word}%`),
    ] as never);
    const n = (rows[0] as Json).n;
    if (n > 0) hits[name] = n;
  }
  return hits;
}

async function deadMessages(): Promise<number> {
  return (await api.bus.connection.jsm.streams.info("DEAD")).state.messages;
}

test("erasing a person leaves none of their words in any table or on a stream, and the books as they were", async () => {
  expect((await call("POST", "/store/customers", { json: person })).status).toBe(201);
  const session = await call("POST", "/store/sessions", {
    json: { email: person.email, password: person.password },
  });
  const bearer = { authorization: `Bearer ${session.body.token}` };
  await call("POST", "/store/password-resets", { json: { email: person.email } });
  const mine = await buy(person.email, "mine", bearer);
  const asGuest = await buy(person.email.toLowerCase(), "guest");
  const other = await buy("bob@mail.example", "other");
  await call("POST", "/store/carts", { json: { email: person.email } });

  const letters = await until(
    async () => {
      const { body } = await call("GET", `/ops/dead?kind=email.send&limit=100`);
      return body.items.length >= 4 ? body.items : null;
    },
    { timeoutMs: 30_000, what: "the refused mails" },
  );
  // What has a shape goes at once; a name stays until its owner asks.
  for (const { error } of letters)
    expect([error.includes("@"), error.includes(person.name)]).toEqual([false, true]);
  const before = await found();
  expect(Object.keys(before)).toEqual(
    expect.arrayContaining([
      "bus.dead",
      "bus.job",
      "carts.cart",
      "checkout.attempt",
      "customers.customer",
      'orders."order"',
    ]),
  );
  expect(Object.keys(before)).not.toContain("bus.outbox");
  const payloads =
    await api.sql`SELECT payload::text FROM bus.job WHERE payload::text ILIKE ANY(${words.map(word => `%${word}%`)})`;
  expect(payloads).toHaveLength(0);
  expect(await deadMessages()).toBeGreaterThanOrEqual(4);

  const asked = await call("POST", "/admin/erasures", { json: { email: ` ${person.email.toUpperCase()} ` } });
  expect([asked.status, asked.body.account]).toEqual([202, true]);
  expect((await call("GET", "/store/customers/me", { headers: bearer })).status).toBe(401);
  const done = await until(
    async () => {
      const { body } = await call("GET", asked.body.href);
      return body.status === "done" ? body : null;
    },
    { what: "the erasure" },
  );
  expect(done).toMatchObject({ orders: 2, carts: 3 });
  // Nor in what the jobs of another buyer's order kept, whose refusal quoted the same name.
  expect(await found()).toEqual({});

  for (const order of [mine, asGuest]) {
    const { body } = await call("GET", `/store/orders/${order.id}`);
    expect(body).toMatchObject({
      number: order.number,
      totalMinor: order.totalMinor,
      email: null,
      note: null,
    });
    expect(body.shippingAddress).toEqual({ country: "GB" });
    const again = await checkOut(order.path, order === mine ? "mine" : "guest");
    expect([again.status, again.body.id, again.body.email]).toEqual([201, order.id, null]);
  }
  expect((await call("GET", `/store/orders/${other.id}`)).body.email).toBe("bob@mail.example");
  await until(async () => (await deadMessages()) === 0, {
    what: "the deletion of the messages",
  });
  const [record] = await api.sql`SELECT email_key, customer_id, words FROM erasure.request`;
  expect(record).toEqual({ email_key: null, customer_id: null, words: [] });
  const audit = await call("GET", "/admin/audit?action=erase");
  expect(audit.body.items).toHaveLength(1);
  expect(words.filter(word => audit.text.includes(word))).toEqual([]);
});

test("bad requests are named, and what nobody has used is forgotten all the same", async () => {
  for (const json of [
    {},
    { email: "ada" },
    { email: "a@b.c", customerId: "cus_0" },
    { email: 5 },
    { name: "Ada" },
  ])
    expect([json, (await call("POST", "/admin/erasures", { json })).status]).toEqual([json, 422]);
  const nobody = { json: { customerId: "cus_00000000000000000000000000" } };
  expect((await call("POST", "/admin/erasures", nobody)).status).toBe(404);
  const { body } = await call("POST", "/admin/erasures", { json: { email: "nobody@mail.example" } });
  expect(await until(async () => (await call("GET", body.href)).body.status === "done")).toBe(true);
  expect((await call("GET", "/admin/erasures?limit=1")).body.items[0].id).toBe(body.id);
  expect((await call("GET", "/admin/erasures?cursor=x")).status).toBe(422);
  expect((await call("GET", "/admin/erasures/era_00000000000000000000000000")).status).toBe(404);
});
