/** What visitors of a shop ask for, as kinds of request for the open loop. */
import { requestText } from "./load/connection.ts";
import type { OpenKind } from "./load/open.ts";
import { type BenchShop, checkoutRequest, type Sku } from "./shop.ts";

const PAGE = 24;

/** The words of the table of loads. */
export type Visit = "list" | "product" | "search" | "readCart" | "newCart" | "addToCart" | "checkout" | "job";

export type Visitors = {
  shop: BenchShop;
  /** Carts that are looked at and added to. */
  carts: readonly string[];
  /** Carts that are bought, each once. */
  toBuy?: readonly string[];
  /** Of what they are bought with: 409 is an answer when there is not enough. */
  bought?: readonly number[];
  opsKey?: string;
};

/** `mix`: requests of each kind, in any unit; the open loop takes them as shares. */
export function kindsOf(mix: Partial<Record<Visit, number>>, visitors: Visitors): OpenKind[] {
  return (Object.entries(mix) as [Visit, number][]).map(([visit, share]) => ({
    name: visit,
    share,
    ...made[visit](visitors),
  }));
}

type Made = Omit<OpenKind, "name" | "share">;

const made: Readonly<Record<Visit, (visitors: Visitors) => Made>> = {
  list: ({ shop }) => {
    const queries = ["", "&sort=price", "&sort=-price", "&sort=title", "&sort=newest"];
    return {
      requests: queries.map(sort => get(shop, `/store/products?limit=${PAGE}${sort}`)),
      expect: [200],
    };
  },
  product: ({ shop }) => ({
    requests: shop.skus.map(({ productId }) => get(shop, `/store/products/${productId}`)),
    expect: [200],
  }),
  search: ({ shop }) => ({
    requests: shop.skus.slice(0, 200).map((_, i) => get(shop, `/store/search?q=product+${i}&limit=${PAGE}`)),
    expect: [200],
  }),
  readCart: ({ shop, carts }) => ({
    requests: carts.map(cart => get(shop, `/store/carts/${cart}`)),
    expect: [200],
  }),
  newCart: ({ shop }) => ({ requests: [post(shop, "/store/carts", {})], expect: [201] }),
  addToCart: ({ shop, carts }) => ({
    requests: carts.map((cart, i) =>
      post(shop, `/store/carts/${cart}/lines`, { variantId: skuOf(shop, i).variantId, quantity: 1 }),
    ),
    expect: [200],
  }),
  checkout: ({ shop, toBuy = [], bought = [201] }) => ({
    requests: toBuy.map(cart => checkoutRequest(shop, cart)),
    once: true,
    expect: bought,
  }),
  job: ({ opsKey }) => ({
    requests: ["high", "normal", "low"].map(priority =>
      requestText({
        method: "POST",
        path: "/ops/jobs",
        headers: { authorization: `Bearer ${opsKey}` },
        json: { kind: `drill.noop.${priority}`, payload: {} },
      }),
    ),
    expect: [202],
  }),
};

const skuOf = ({ skus }: BenchShop, i: number): Sku => skus[(i * 7) % skus.length]!;
const get = ({ key }: BenchShop, path: string) =>
  requestText({ method: "GET", path, headers: { "x-publishable-key": key } });
const post = ({ key }: BenchShop, path: string, json: unknown) =>
  requestText({ method: "POST", path, headers: { "x-publishable-key": key }, json });
