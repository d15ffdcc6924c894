/**
 * Prices of 50 variants in one request over HTTP, with quantities, from a shop whose variants are in four price lists of
 * two tiers each, beside the plain read of the same 50 base prices by their keys (the limit: no lists, no HTTP).
 *
 * Exact: every price that a sample of the answers gave is what the rules say (docs/decisions/0030), computed here again.
 */
import {
  changeEntries,
  changePriceList,
  createPriceList,
  type NewEntry,
} from "../../commerce/pricing/index.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { closedCalls, closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import { type BenchShop, openBenchShop, type Sku } from "../shop.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const ITEMS = 50;
const CLIENTS = [1, 4, 16];
const TARGET_P95_MS = 5;
const ENTRIES = 1_000;

type Rule = {
  type: "sale" | "override";
  segmentIds?: string[];
  /** What it gives a variant at a quantity; undefined: it has no entry. */
  priceOf(sku: Sku, tier: 1 | 10): number | undefined;
};

const rules: readonly Rule[] = [
  { type: "sale", priceOf: (sku, tier) => sku.priceMinor - (tier === 1 ? 10 : 30) },
  { type: "sale", priceOf: (sku, tier) => sku.priceMinor - (tier === 1 ? 20 : 15) },
  { type: "sale", segmentIds: ["seg_vip"], priceOf: sku => Math.floor(sku.priceMinor / 2) },
  { type: "override", priceOf: (sku, tier) => (sku.priceMinor % 5 ? undefined : sku.priceMinor + tier) },
];

type Item = { sku: Sku; quantity: number };

export const pricesScenario: Scenario = {
  name: "prices",
  about: "prices of 50 variants in four lists, in one request",
  seconds: 5,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const runs = quick ? 1 : 3;
    say("prices: filling a shop");
    const shop = await openBenchShop(stack.sql, { skus: quick ? 1_000 : 10_000 });
    await addLists(stack.sql, shop);
    const api = await stack.startApi();
    await measure(api.port, shop, 1, 1);

    const cases: Case[] = [];
    const ours: Measured[] = [];
    const limit: Measured[] = [];
    for (const clients of CLIENTS) {
      say(`prices: ${clients} client(s)`);
      const measured: Measured[] = [];
      for (let i = 0; i < runs; i++) measured.push(await measure(api.port, shop, clients, seconds / runs));
      const figures = figuresOf(measured);
      const judged = clients === 1 && {
        target: `p95 under ${TARGET_P95_MS} ms`,
        ok: figures.p95Ms! < TARGET_P95_MS,
      };
      cases.push({ name: `${clients} client(s)`, ...figures, ...judged });
      if (clients === 1) ours.push(...measured);
    }
    for (let i = 0; i < runs; i++) {
      limit.push(await closedCalls(1, seconds / runs, () => readKeys(stack.sql, shop)));
    }
    const [mine, best] = [figuresOf(ours), figuresOf(limit)];
    return {
      runs,
      exact: await isExact(api.port, shop),
      ours: mine,
      limit: { name: "50 base prices by key in one statement, without lists, without HTTP", ...best },
      ofLimit: round(mine.perSecond / best.perSecond),
      cases,
      notes: [`${shop.skus.length} variants, ${rules.length} lists of 2 tiers; ${ITEMS} items a request`],
    };
  },
};

async function addLists(sql: Db, shop: BenchShop): Promise<void> {
  const author = { storeId: shop.storeId, actor: "bench" };
  for (const { type, segmentIds, priceOf } of rules) {
    const { id } = await createPriceList(sql, author, { name: "Bench", type, segmentIds });
    const entries = shop.skus.flatMap(sku =>
      ([1, 10] as const).flatMap((minQuantity): NewEntry[] => {
        const amountMinor = priceOf(sku, minQuantity);
        return amountMinor === undefined ? [] : [{ variantId: sku.variantId, minQuantity, amountMinor }];
      }),
    );
    for (let from = 0; from < entries.length; from += ENTRIES) {
      await changeEntries(sql, author, id, "any", { entries: entries.slice(from, from + ENTRIES) });
    }
    await changePriceList(sql, author, id, "any", { status: "active" });
  }
  await sql`DELETE FROM bus.outbox`;
  await sql`VACUUM ANALYZE pricing.price, pricing.price_list, pricing.list_entry`;
}

function someItems(shop: BenchShop): Item[] {
  return Array.from({ length: ITEMS }, () => ({
    sku: shop.skus[Math.floor(Math.random() * shop.skus.length)]!,
    quantity: 1 + Math.floor(Math.random() * 20),
  }));
}

const bodyOf = (items: readonly Item[]) => ({
  items: items.map(({ sku, quantity }) => ({ variantId: sku.variantId, quantity })),
});

function measure(port: number, shop: BenchShop, clients: number, seconds: number): Promise<Measured> {
  const headers = { "x-publishable-key": shop.key };
  return closedLoop({
    ports: [port],
    clients,
    seconds,
    next: () =>
      requestText({ method: "POST", path: "/store/prices/resolve", headers, json: bodyOf(someItems(shop)) }),
    onAnswer(answer) {
      if (answer.status !== 200) throw new Error(`prices answered ${answer.status}: ${answer.body}`);
    },
  });
}

/** The base prices of 50 variants by their keys: what any resolver has to read at least. */
function readKeys(sql: Db, shop: BenchShop): Promise<unknown> {
  const ids = someItems(shop).map(item => item.sku.variantId);
  return sql`
    SELECT variant_id, amount_minor FROM pricing.price
    WHERE store_id = ${shop.storeId} AND currency = 'EUR' AND variant_id = ANY(${ids})`;
}

/** The rules again, in another language. */
function expected({ sku, quantity }: Item): number {
  const tier = quantity >= 10 ? 10 : 1;
  const given = (type: Rule["type"]) =>
    rules
      .filter(rule => rule.type === type && rule.segmentIds === undefined)
      .flatMap(rule => rule.priceOf(sku, tier) ?? []);
  const overrides = given("override");
  return overrides.length > 0 ? Math.min(...overrides) : Math.min(sku.priceMinor, ...given("sale"));
}

async function isExact(port: number, shop: BenchShop): Promise<boolean> {
  const headers = { "x-publishable-key": shop.key, "content-type": "application/json" };
  for (let i = 0; i < 100; i++) {
    const items = someItems(shop);
    const url = `http://127.0.0.1:${port}/store/prices/resolve`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(bodyOf(items)) });
    const { items: prices } = (await answer.json()) as { items: { amountMinor: number }[] };
    if (items.some((item, n) => prices[n]?.amountMinor !== expected(item))) return false;
  }
  return true;
}
