/**
 * Pages of 24 products over HTTP, from a shop of 100,000 products and, in the same run and by the same node, from one of
 * 1,000 (the limit). What is compared is the time of an answer: the first pages of every order, a category of half the
 * shop, and a page far behind.
 *
 * A model product comes in through the doors and is summarised by the real code; the others are copies of its rows.
 */
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { productSorts, rebuildNow } from "../../commerce/storefront/index.ts";
import { createKey, createStore } from "../../commerce/stores/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import { closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import type { ApiNode } from "../stack.ts";
import { figuresOf, type Measured, median, round } from "../stats.ts";

const MANY = 100_000;
const FEW = 1_000;
const CLIENTS = 4;
const PAGE = 24;
const TARGET = 1.5;
/** Short slices in turn, so that both shops see the same weather on a machine that others use too. */
const SLICES = 18;

type Shop = { storeId: string; key: string; products: number };

export const listScenario: Scenario = {
  name: "list",
  about: "a page of 24 products from 100,000, beside one from 1,000",
  seconds: 6,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const runs = quick ? 3 : 15;
    say("list: filling two shops");
    const few = await openShop(stack.sql, FEW);
    const many = await openShop(stack.sql, quick ? MANY / 5 : MANY);
    await stack.sql`VACUUM ANALYZE storefront.listing, storefront.product_summary`;
    const api = await stack.startApi();
    for (const shop of [few, many]) await measure(api, shop, "", 1);

    const cases: Case[] = [];
    const all = { few: [] as Measured[], many: [] as Measured[] };
    for (const query of await queries(api, many)) {
      say(`list: ${query.name}`);
      const pairs = { few: [] as Measured[], many: [] as Measured[] };
      for (let i = 0; i < runs; i++) {
        pairs.few.push(await measure(api, few, query.few, seconds / SLICES));
        pairs.many.push(await measure(api, many, query.many, seconds / SLICES));
      }
      all.few.push(...pairs.few);
      all.many.push(...pairs.many);
      const [small, big] = [figuresOf(pairs.few), figuresOf(pairs.many)];
      const times = round(median(ratios(pairs)));
      const target = `${times} times the ${small.p50Ms} ms of 1,000 products; at most ${TARGET}`;
      cases.push({ name: query.name, ...big, target, ok: times <= TARGET });
    }
    const [limit, ours] = [figuresOf(all.few), figuresOf(all.many)];
    return {
      runs,
      exact: (await isWhole(api, few)) && (await isWhole(api, many)),
      ours,
      limit: { name: `the same pages of ${FEW} products`, ...limit },
      ofLimit: round(ours.perSecond / limit.perSecond),
      cases,
      notes: [`${many.products} products, ${CLIENTS} clients; median of the cases: ${medianTimes(cases)} ms`],
    };
  },
};

/** How many times as long the big shop took, slice by slice. */
function ratios(pairs: { few: readonly Measured[]; many: readonly Measured[] }): number[] {
  return pairs.many.map((run, i) => median(run.latenciesMs) / median(pairs.few[i]!.latenciesMs));
}

const medianTimes = (cases: readonly Case[]) => round(median(cases.map(one => one.p50Ms ?? 0)));

type Query = { name: string; few: string; many: string };

/** The last one reads far behind the beginning; in the small shop as far as there is. */
async function queries(api: ApiNode, many: Shop): Promise<Query[]> {
  const sorts = productSorts.filter(sort => sort !== "position").map(sort => `?sort=${sort}`);
  const same = [...sorts, "?category=half&sort=price"].map(query => ({
    name: query,
    few: query,
    many: query,
  }));
  let cursor = "";
  for (let page = 0; page < 50; page++) {
    const next = await read(api, many, `?sort=title&limit=100${cursor && `&cursor=${cursor}`}`);
    cursor = next.nextCursor!;
  }
  return [
    ...same,
    { name: "product 5,001 by title", few: "?sort=title", many: `?sort=title&cursor=${cursor}` },
  ];
}

function request(shop: Shop, query: string): string {
  const path = `/store/products${query}`;
  return requestText({ method: "GET", path, headers: { "x-publishable-key": shop.key } });
}

function measure(api: ApiNode, shop: Shop, query: string, seconds: number): Promise<Measured> {
  const bytes = request(shop, query);
  return closedLoop({
    ports: [api.port],
    clients: CLIENTS,
    seconds,
    next: () => bytes,
    onAnswer(answer) {
      if (answer.status !== 200) throw new Error(`the list answered ${answer.status}: ${answer.body}`);
    },
  });
}

type Page = { items: { id: string }[]; nextCursor: string | null };

async function read(api: ApiNode, shop: Shop, query: string): Promise<Page> {
  const headers = { "x-publishable-key": shop.key };
  const answer = await fetch(`http://127.0.0.1:${api.port}/store/products${query}`, { headers });
  return (await answer.json()) as Page;
}

/** All pages together are all products, each once. */
async function isWhole(api: ApiNode, shop: Shop): Promise<boolean> {
  const seen = new Set<string>();
  let count = 0;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Page = await read(api, shop, `?sort=price&limit=100${cursor && `&cursor=${cursor}`}`);
    for (const { id } of page.items) seen.add(id);
    count += page.items.length;
    cursor = page.nextCursor;
  }
  return (
    seen.size === shop.products &&
    count === shop.products &&
    (await read(api, shop, "")).items.length === PAGE
  );
}

async function openShop(sql: Db, products: number): Promise<Shop> {
  const store = await createStore(sql, { name: "Bench", currency: "EUR" });
  const { key } = await createKey(sql, { kind: "publishable", storeId: store.id, name: "bench" });
  await transaction(sql, async tx => {
    const variants = ["S", "M", "L"].map((size, ref) => ({
      ref,
      optionValues: [size],
      sku: `MODEL-${size}`,
    }));
    const model = {
      ref: 0,
      handle: "model",
      title: "Model",
      vendor: "Acme",
      status: "active" as const,
      tags: ["new", "cotton"],
      categories: [{ handle: "half", title: "Half" }],
      optionNames: ["Size"],
      variants,
      images: [{ src: "https://example.com/model.jpg", alt: "A model" }],
    };
    const made = await upsertProducts(tx, store.id, [model]);
    const prices = made.variants.map(one => ({ ...one, amountMinor: 1_900, compareAtMinor: 2_500 }));
    await setPrices(tx, store.id, "EUR", prices);
  });
  await rebuildNow(sql, store.id);
  await multiply(sql, store.id, products);
  await sql`DELETE FROM bus.outbox`;
  return { storeId: store.id, key, products };
}

const CHUNK = 10_000;

/** Copies of the model, titles and prices mixed, every second one in its category. */
async function multiply(sql: Db, storeId: string, products: number): Promise<void> {
  for (let from = 2; from <= products; from += CHUNK) {
    const to = Math.min(products, from + CHUNK - 1);
    await sql`
      INSERT INTO storefront.product_summary
      SELECT r.*
      FROM storefront.product_summary s
      CROSS JOIN LATERAL (
        SELECT 'prod_' || lpad(n::text, 10, '0') AS id, 'Product ' || (n::bigint * 7919) % ${products}::integer AS title,
               100 + (n::bigint * 104729) % 20000 AS price, (n::bigint * 31) % 500 AS popularity
        FROM generate_series(${from}::integer, ${to}::integer) n) c
      CROSS JOIN LATERAL jsonb_populate_record(s, jsonb_build_object(
        'product_id', c.id, 'handle', c.id, 'title', c.title, 'words', lower(c.title), 'price_minor', c.price,
        'popularity', c.popularity,
        'document', s.document || jsonb_build_object('id', c.id, 'handle', c.id, 'title', c.title))) r
      WHERE s.store_id = ${storeId} AND s.handle = 'model'`;
    await sql`
      INSERT INTO storefront.listing (store_id, group_id, product_id, title_key, price_minor, popularity, rank)
      SELECT s.store_id, g.id, s.product_id, lower(s.title), s.price_minor, s.popularity, 0
      FROM storefront.product_summary s
      CROSS JOIN LATERAL (SELECT '' AS id UNION ALL SELECT unnest(s.category_ids)) g
      WHERE s.store_id = ${storeId} AND (g.id = '' OR right(s.product_id, 9)::bigint % 2 = 0)
        AND s.product_id BETWEEN 'prod_' || lpad(${String(from)}, 10, '0') AND 'prod_' || lpad(${String(to)}, 10, '0')`;
  }
}
