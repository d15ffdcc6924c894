/**
 * Two shops side by side, made through the API alone: one of each thing that a route may name. What belongs to a shop
 * carries its marker in every text, so that an answer to the other that holds it is a leak.
 */
import { IdPool } from "./ids.ts";

export type Send = (request: Request) => Promise<Response>;

export type Shop = {
  readonly storeId: string;
  readonly marker: string;
  readonly publishable: string;
  readonly secret: string;
  /** Of a customer who is logged in. */
  readonly session: string;
  readonly customerId: string;
  readonly pool: IdPool;
};

export type World = {
  readonly mine: Shop;
  readonly other: Shop;
  readonly opsKey: string;
  /** What operators see: both shops and the deployment. */
  readonly all: IdPool;
};

// biome-ignore lint/suspicious/noExplicitAny: answers of any route
type Json = any;
type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Json>;

const ORIGIN = "http://localhost";
/** One pixel. */
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

function caller(send: Send, origin: string, auth: Record<string, string>): Call {
  return async (method, path, body, headers = {}) => {
    const isForm = body instanceof FormData;
    const type: Record<string, string> = body && !isForm ? { "content-type": "application/json" } : {};
    const request = new Request(origin + path, {
      method,
      headers: { ...auth, ...type, ...headers },
      body: isForm ? body : body === undefined ? null : JSON.stringify(body),
    });
    const response = await send(request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? { location: response.headers.get("location") } : JSON.parse(text);
  };
}

export async function makeWorld(send: Send, opsKey: string, origin = ORIGIN): Promise<World> {
  const ops = caller(send, origin, { authorization: `Bearer ${opsKey}` });
  const mine = await makeShop(send, origin, ops, "ouroakbenches");
  const other = await makeShop(send, origin, ops, "theirelmstools");
  const all = new IdPool();
  for (const kind of ["high", "normal", "low"]) all.add("priority", kind);
  all.add("kind", "drill.noop.low", "email.send", "search.index");
  for (const { storeId } of [mine, other]) all.add("store", storeId);
  await keepKeys(ops, all, mine.storeId);
  const asked = ["/ops/schedules", "/ops/jobs", "/ops/dead", "/ops/mailbox"];
  for (const path of asked) {
    const answer = await ops("GET", path).catch(() => ({}));
    all.learn(answer);
    for (const item of answer.items ?? []) if (item.name) all.add("schedule", item.name);
  }
  const { id } = await ops("POST", "/ops/jobs", { kind: "drill.noop.low", payload: {} });
  all.add("job", id);
  return { mine, other, opsKey, all };
}

/** Keys that are in use stay out of it; some are made to be revoked. */
async function keepKeys(ops: Call, all: IdPool, storeId: string): Promise<void> {
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Json = await ops("GET", `/ops/keys?limit=100${cursor && `&cursor=${cursor}`}`);
    all.keep(...page.items.map((one: Json) => one.id));
    cursor = page.nextCursor;
  }
  for (let n = 0; n < 20; n++) {
    all.add("key", (await ops("POST", "/ops/keys", { kind: "secret", name: "spare", storeId })).id);
  }
}

async function makeShop(send: Send, origin: string, ops: Call, marker: string): Promise<Shop> {
  const store = await ops("POST", "/ops/stores", { name: `Store ${marker}`, currency: "EUR" });
  const keys = await Promise.all(
    ["publishable", "secret"].map(kind => ops("POST", "/ops/keys", { kind, name: kind, storeId: store.id })),
  );
  const [publishable, secret] = keys.map(one => one.key as string) as [string, string];
  const pool = new IdPool().add("store", store.id);
  const learning =
    (call: Call): Call =>
    async (...asked) => {
      const answer = await call(...asked);
      pool.learn(answer);
      return answer;
    };
  const admin = learning(caller(send, origin, { authorization: `Bearer ${secret}` }));
  const shop = caller(send, origin, { "x-publishable-key": publishable });
  const variants = await stock(admin, pool, marker);
  await media(admin, pool, marker);
  const { customerId, session } = await people(learning(shop), admin, { marker, variants });
  // Who is erased is logged out.
  pool.keep(customerId, session);
  return { storeId: store.id, marker, publishable, secret, session, customerId, pool };
}

async function stock(admin: Call, pool: IdPool, marker: string): Promise<string[]> {
  const main = await admin("POST", "/admin/locations", { name: `Main ${marker}`, isDefault: true });
  const second = await admin("POST", "/admin/locations", { name: `Second ${marker}` });
  const lamps = await admin("POST", "/admin/categories", { title: `Lamps ${marker}` });
  await admin("POST", "/admin/categories", { title: `Red lamps ${marker}`, parentId: lamps.id });
  const variants: string[] = [];
  for (let n = 0; n < 4; n++) {
    const product = await admin("POST", "/admin/products", {
      title: `Lamp ${n} ${marker}`,
      status: "active",
      vendor: marker,
      tags: [marker],
      categories: [lamps.handle],
      options: [{ name: "Colour", values: ["Red", "Blue"] }],
      variants: ["Red", "Blue"].map(Colour => ({
        sku: `${marker}-${n}-${Colour}`,
        options: { Colour },
        price: { amountMinor: 1_000 + n },
      })),
    });
    pool.add("handle", product.handle);
    for (const { id } of product.variants) variants.push(id);
  }
  for (const variantId of variants) {
    const adjustment = { variantId, locationId: main.id, delta: 100_000, reason: `count ${marker}` };
    await admin("POST", "/admin/inventory/adjustments", adjustment);
  }
  const [variantId] = variants;
  await admin("POST", "/admin/collections", { title: `Picked ${marker}`, productIds: pool.of("prod") });
  const entries = [{ variantId, amountMinor: 900 }];
  await admin("POST", "/admin/price-lists", { name: `Sale ${marker}`, type: "sale", entries });
  await admin("POST", "/admin/tax-rates", { country: "DE", name: `VAT ${marker}`, ratePpm: 190_000 });
  await admin("POST", "/admin/shipping-methods", { name: `Post ${marker}`, amountMinor: 490 });
  const between = { fromLocationId: main.id, toLocationId: second.id };
  const lines = [{ variantId, quantity: 5 }];
  await admin("POST", "/admin/transfers", { ...between, lines, note: marker });
  return variants;
}

async function media(admin: Call, pool: IdPool, marker: string): Promise<void> {
  await admin("PUT", "/admin/media/presets/square", { width: 100, height: 100, crop: true });
  pool.add("preset", "square").add("currency", "EUR", "USD").add("size", "300", "square").add("seg", "vip");
  const picture = new FormData();
  // Trailing bytes make the shops' files differ.
  picture.set("file", new File([PNG, marker], `${marker}.png`, { type: "image/png" }));
  picture.set("alt", marker);
  await admin("POST", "/admin/media", picture);
  const table = new FormData();
  table.set("file", new File([`Handle,Title,Variant Price\n${marker},${marker},1.00\n`], `${marker}.csv`));
  await admin("POST", "/admin/imports", table);
  const tus = { "tus-resumable": "1.0.0", "upload-length": "1000" };
  const { location } = await admin("POST", "/admin/media/uploads", undefined, tus);
  pool.add("upload", location.split("/").at(-1));
}

type Buyer = { marker: string; variants: readonly string[] };

async function people(shop: Call, admin: Call, { marker, variants }: Buyer) {
  const account = { email: `${marker}@shop.example`, password: `a long one for ${marker}` };
  await shop("POST", "/store/customers", { ...account, name: `Ada ${marker}` });
  const { token, customer } = await shop("POST", "/store/sessions", account);
  const shippingAddress = {
    name: `Ada ${marker}`,
    line1: marker,
    city: "Kiel",
    postalCode: "1",
    country: "DE",
  };
  const filled = async (headers: Record<string, string>) => {
    const cart = await shop("POST", "/store/carts", { email: account.email, shippingAddress }, headers);
    await shop("POST", `/store/carts/${cart.id}/lines`, { variantId: variants[0], quantity: 2 }, headers);
    return cart.id as string;
  };
  const payment = { payment: { provider: "test", token: "ok" } };
  for (const headers of [{}, {}, { authorization: `Bearer ${token}` }] as Record<string, string>[]) {
    const key = { "idempotency-key": crypto.randomUUID(), ...headers };
    await shop("POST", `/store/carts/${await filled(headers)}/checkout`, payment, key);
  }
  for (let n = 0; n < 3; n++) await filled({});
  await admin("POST", "/admin/erasures", { email: `gone-${marker}@shop.example` });
  return { customerId: customer.id as string, session: token as string };
}
