import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { upsertProducts } from "../../../../commerce/catalog/index.ts";
import { setPrices } from "../../../../commerce/pricing/index.ts";
import { transaction } from "../../../../platform/postgres/index.ts";
import { openShopFront, type ShopFront } from "./customers.fixture.ts";

let shop: ShopFront;
let variants: string[];
beforeAll(async () => {
  shop = await openShopFront();
  variants = await stock(130);
});
afterAll(() => shop.close());

function stock(count: number): Promise<string[]> {
  return transaction(shop.sql, async tx => {
    const products = Array.from({ length: count }, (_, i) => ({
      ref: i,
      handle: `p-${i}`,
      title: `Product ${i}`,
      status: "active" as const,
      variants: [{ ref: i, optionValues: [], sku: `S${i}` }],
    }));
    const made = (await upsertProducts(tx, shop.store.id, products)).variants.toSorted(
      (a, b) => a.ref - b.ref,
    );
    await setPrices(
      tx,
      shop.store.id,
      "EUR",
      made.map(one => ({ ...one, amountMinor: 500, compareAtMinor: null })),
    );
    const rows = made.map(one => ({ ...one, onHand: 100_000 }));
    await tx`SELECT inventory.set_initial(${shop.store.id}, ${tx.json(rows as never)}, 'new', 'test')`;
    return made.map(one => one.variantId);
  });
}

type Headers = Record<string, string>;
type Wanted = readonly (readonly [variant: number, quantity: number])[];

async function cartOf(wanted: Wanted, headers: Headers = {}, json: object = {}): Promise<string> {
  const { body } = await shop.call("POST", "/store/carts", { json, headers });
  for (const [variant, quantity] of wanted) {
    const line = { variantId: variants[variant], quantity };
    const added = await shop.call("POST", `/store/carts/${body.id}/lines`, { json: line, headers });
    expect(added.status).toBe(200);
  }
  return body.id;
}

/** A cart with one of each of these variants, written at once. */
async function wideCart(from: number, to: number, headers: Headers = {}): Promise<string> {
  const id = await cartOf([], headers);
  const rows = variants.slice(from, to).map((variant_id, i) => ({
    store_id: shop.store.id,
    cart_id: id,
    id: `line_${crypto.randomUUID().slice(0, 8)}${String(from + i).padStart(4, "0")}`,
    variant_id,
    quantity: 1,
  }));
  await shop.sql`INSERT INTO carts.line ${shop.sql(rows)}`;
  return id;
}

type Line = { variantId: string; quantity: number };
const lines = (cart: { lines: Line[] }) =>
  cart.lines.map(one => [variants.indexOf(one.variantId), one.quantity]).toSorted((a, b) => a[0]! - b[0]!);
const read = async (id: string) => (await shop.call("GET", `/store/carts/${id}`)).body;

describe("a cart", () => {
  test("made while logged in is the customer's, with the customer's mail", async () => {
    const { id, email, headers } = await shop.member();
    const own = (await shop.call("POST", "/store/carts", { headers })).body;
    expect(own).toMatchObject({ customerId: id, email });
    const named = await shop.call("POST", "/store/carts", { headers, json: { email: "gift@b.example" } });
    expect(named.body).toMatchObject({ customerId: id, email: "gift@b.example" });
    expect((await shop.call("POST", "/store/carts")).body).toMatchObject({ customerId: null, email: null });
    const refused = await shop.call("POST", "/store/carts", { json: { customerId: id } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: "customerId" }] } });
  });

  test("of a guest becomes the customer's who has none, under its own id", async () => {
    const customer = await shop.register();
    const guest = await cartOf([[0, 2]]);
    const { body } = await shop.logIn({ ...customer, cartId: guest });
    expect(body.cart).toMatchObject({
      id: guest,
      customerId: customer.id,
      email: customer.email,
      totalMinor: 1_000,
    });
    expect((await shop.logIn({ ...customer, cartId: guest })).body.cart).toMatchObject({
      id: guest,
      totalMinor: 1_000,
    });
    expect((await shop.logIn(customer)).body.cart.id).toBe(guest);
  });

  test("of a guest goes into the one that the customer has, once", async () => {
    const customer = await shop.member();
    const own = await cartOf(
      [
        [0, 1],
        [1, 5],
      ],
      customer.headers,
    );
    const address = { name: "Ada", line1: "1 Quay", city: "Porto", postalCode: "4000", country: "PT" };
    const guest = await cartOf(
      [
        [1, 2],
        [2, 3],
      ],
      {},
      { shippingAddress: address, email: "guest@b.example" },
    );
    const first = await shop.logIn({ ...customer, cartId: guest });
    expect(first.body.cart).toMatchObject({
      id: own,
      shippingAddress: address,
      email: customer.email,
      totalMinor: 5_500,
    });
    expect(lines(first.body.cart)).toEqual([
      [0, 1],
      [1, 7],
      [2, 3],
    ]);
    expect(await read(guest)).toMatchObject({ status: "open", customerId: null, lines: [], totalMinor: 0 });
    const again = await shop.logIn({ ...customer, cartId: guest });
    expect(lines(again.body.cart)).toEqual(lines(first.body.cart));
  });

  test("is merged once by many log-ins at the same time", async () => {
    const customer = await shop.member();
    const own = await cartOf([[0, 1]], customer.headers);
    const guest = await cartOf([
      [0, 1],
      [1, 1],
    ]);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => shop.logIn({ ...customer, cartId: guest })),
    );
    expect(all.every(one => one.status === 201 && one.body.cart.id === own)).toBe(true);
    expect(lines(await read(own))).toEqual([
      [0, 2],
      [1, 1],
    ]);
  });

  test("takes no more than the limits: quantities stop at 9,999, and lines beyond 100 stay with the guest", async () => {
    const customer = await shop.member();
    const own = await wideCart(0, 90, customer.headers);
    const guest = await wideCart(80, 110);
    await shop.sql`UPDATE carts.line SET quantity = 9000 WHERE variant_id = ${variants[85]!}`;
    const { body } = await shop.logIn({ ...customer, cartId: guest });
    expect(body.cart.id).toBe(own);
    expect(body.cart.lines).toHaveLength(100);
    expect(lines(body.cart)[85]).toEqual([85, 9_999]);
    expect(lines(body.cart)[80]).toEqual([80, 2]);
    expect((await read(guest)).lines).toHaveLength(10);
  });

  test("that is unknown, another's, another store's or an order already is left alone; logging in works", async () => {
    const [customer, stranger] = [await shop.member(), await shop.member()];
    const theirs = await cartOf([[0, 1]], stranger.headers);
    const bought = await cartOf([[0, 1]]);
    const paid = { payment: { provider: "test", token: "ok" } };
    const headers = { "idempotency-key": crypto.randomUUID() };
    expect((await shop.call("POST", `/store/carts/${bought}/checkout`, { json: paid, headers })).status).toBe(
      201,
    );
    for (const cartId of [theirs, bought, "cart_0000000000000000000000000000000x", "nonsense", "\u0000"]) {
      expect(await shop.logIn({ ...customer, cartId })).toMatchObject({ status: 201, body: { cart: null } });
    }
    expect(await read(theirs)).toMatchObject({ customerId: stranger.id, totalMinor: 500 });
  });

  test("keeps its checkout: a log-in and a checkout at once give one order with all lines or none of the guest's", async () => {
    for (let i = 0; i < 4; i++) {
      const customer = await shop.member();
      const own = await cartOf([[0, 1]], customer.headers);
      const guest = await cartOf([[1, 1]]);
      const json = { payment: { provider: "test", token: "ok" } };
      const headers = { "idempotency-key": crypto.randomUUID() };
      const [answer, session] = await Promise.all([
        shop.call("POST", `/store/carts/${guest}/checkout`, { json, headers }),
        shop.logIn({ ...customer, cartId: guest }),
      ]);
      expect(session.status).toBe(201);
      const merged = lines(await read(own)).length === 2;
      expect(merged ? [409, 422] : [201, 409]).toContain(answer.status);
      if (answer.status === 201) expect(merged).toBe(false);
    }
  });
});

describe("the orders of a customer", () => {
  const buy = async (headers: Headers) => {
    const cart = await cartOf([[0, 1]], headers);
    const json = { payment: { provider: "test", token: "ok" } };
    const key = { "idempotency-key": crypto.randomUUID() };
    const placed = await shop.call("POST", `/store/carts/${cart}/checkout`, {
      json,
      headers: { ...headers, ...key },
    });
    expect(placed.status).toBe(201);
    return placed.body.id as string;
  };
  const list = async (headers: Headers, query = "") =>
    (await shop.call("GET", `/store/customers/me/orders${query}`, { headers })).body;

  test("are listed newest first, in pages that don't shift, and are nobody else's", async () => {
    const [customer, stranger] = [await shop.member(), await shop.member()];
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift(await buy(customer.headers));
    await buy(stranger.headers);
    await buy({});
    await cartOf([[0, 1]], customer.headers);
    const first = await list(customer.headers, "?limit=2");
    expect(first.items.map((one: { id: string }) => one.id)).toEqual(ids.slice(0, 2));
    await buy(customer.headers);
    const next = await list(customer.headers, `?limit=2&cursor=${first.nextCursor}`);
    expect(next.items.map((one: { id: string }) => one.id)).toEqual(ids.slice(2));
    expect(next.nextCursor).toBeNull();
    const order = (await shop.call("GET", `/store/orders/${ids[0]}`)).body;
    expect(first.items[0]).toEqual(order);
    expect(order.email).toBe(customer.email);
  });

  test("include the guest's cart that was taken along", async () => {
    const customer = await shop.register();
    const guest = await cartOf([[0, 1]]);
    const { body } = await shop.logIn({ ...customer, cartId: guest });
    const headers = { authorization: `Bearer ${body.token}` };
    expect(await list(headers)).toEqual({ items: [], nextCursor: null });
    const json = { payment: { provider: "test", token: "ok" } };
    const key = { "idempotency-key": crypto.randomUUID() };
    await shop.call("POST", `/store/carts/${guest}/checkout`, { json, headers: key });
    expect((await list(headers)).items).toHaveLength(1);
  });
});
