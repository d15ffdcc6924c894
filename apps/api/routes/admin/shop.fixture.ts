/** For tests of the back office: an API with a stocked store, and keys of another store. */
import { upsertProducts } from "../../../../commerce/catalog/index.ts";
import { setPrices } from "../../../../commerce/pricing/index.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { transaction } from "../../../../platform/postgres/index.ts";
import { type TestApi, type TestApiOptions, type TestRequest, testApi } from "../../testing.ts";

// biome-ignore lint/suspicious/noExplicitAny: bodies of any route
export type Json = any;

export type Answer = { status: number; headers: Headers; text: string; body: Json };

export type AdminShop = {
  readonly api: TestApi;
  /** One of each product, at 10.00, in stock as asked for. */
  readonly variants: string[];
  readonly other: { publishable: string; secret: string };
  call(method: string, path: string, options?: TestRequest): Promise<Answer>;
  /** Buys through the API and gives the order. */
  order(lines: readonly (readonly [variant: number, quantity: number])[]): Promise<Json>;
  close(): Promise<void>;
};

export async function openAdminShop(
  stock: readonly number[],
  options: TestApiOptions = {},
): Promise<AdminShop> {
  const api = await testApi(options);
  const variants = await stocked(api, stock);
  const store = await createStore(api.sql, { name: "Other", currency: "EUR" });
  const keyOf = async (kind: "publishable" | "secret") =>
    (await createKey(api.sql, { kind, storeId: store.id, name: kind })).key;
  const other = { publishable: await keyOf("publishable"), secret: await keyOf("secret") };

  async function call(method: string, path: string, options: TestRequest = {}): Promise<Answer> {
    const key = path.startsWith("/admin") ? api.keys.secret : api.keys.publishable;
    return readable(api.request(method, path, { key, ...options }));
  }

  return {
    api,
    variants,
    other,
    call,
    async order(lines) {
      const { body: cart } = await call("POST", "/store/carts", { json: { email: "buyer@shop.example" } });
      for (const [variant, quantity] of lines) {
        const json = { variantId: variants[variant], quantity };
        await call("POST", `/store/carts/${cart.id}/lines`, { json });
      }
      const headers = { "idempotency-key": crypto.randomUUID() };
      const json = { payment: { provider: "test", token: "ok" } };
      const placed = await call("POST", `/store/carts/${cart.id}/checkout`, { json, headers });
      if (placed.status !== 201) throw new Error(`not placed: ${placed.text}`);
      return placed.body;
    },
    close: () => api.close(),
  };
}

async function readable(asked: Promise<Response>): Promise<Answer> {
  const response = await asked;
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text || "null") };
}

function stocked(api: TestApi, onHand: readonly number[]): Promise<string[]> {
  const storeId = api.store.id;
  return transaction(api.sql, async tx => {
    const products = onHand.map((_, i) => ({
      ref: i,
      handle: `p-${i}`,
      title: `Product ${i}`,
      status: "active" as const,
      variants: [{ ref: i, optionValues: [], sku: `S${i}` }],
    }));
    const made = (await upsertProducts(tx, storeId, products)).variants.toSorted((a, b) => a.ref - b.ref);
    const prices = made.map(one => ({ ...one, amountMinor: 1_000, compareAtMinor: null }));
    await setPrices(tx, storeId, "EUR", prices);
    const rows = made.map((one, i) => ({ ...one, onHand: onHand[i]! }));
    await tx`SELECT inventory.set_initial(${storeId}, ${tx.json(rows as never)}, 'new', 'test')`;
    return made.map(one => one.variantId);
  });
}
