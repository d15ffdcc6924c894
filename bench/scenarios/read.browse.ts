/** Browsing while products change: how much of it the cache answers, by its own count, and whether what it gives is true. */
import { requestText } from "../load/connection.ts";
import { openLoop } from "../load/open.ts";
import type { Case, Options } from "../scenario.ts";
import type { BenchShop } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { round } from "../stats.ts";

const PER_SECOND = 2_000;
const UPDATES_PER_SECOND = 50;
const HITS = 0.95;
const SECONDS = 20;
const REQUESTS = 20_000;
/** Of the visitors' clicks; the rest are products. */
const LISTS_SHARE = 0.2;

export async function browse(
  stack: BenchStack,
  api: ApiNode,
  shop: BenchShop,
  { quick, say }: Options,
): Promise<{ cases: Case[]; isCurrent: boolean }> {
  say("read: browsing while products change");
  const programs = [await stack.startKeeper(), await stack.startPool("normal")];
  const seconds = quick ? SECONDS / 4 : SECONDS;
  const updates = Array.from({ length: UPDATES_PER_SECOND * seconds * 2 }, (_, n) => update(shop, n));
  const before = await requestsOf(api);
  const result = await openLoop({
    ...{ ports: [api.port], perSecond: PER_SECOND + UPDATES_PER_SECOND, seconds, maxInFlight: 64 },
    kinds: [
      { name: "browse", share: PER_SECOND, requests: clicks(shop), expect: [200] },
      { name: "update", share: UPDATES_PER_SECOND, requests: updates, once: true, expect: [200] },
    ],
  });
  const after = await requestsOf(api);
  const [hits, all] = [after.hits - before.hits, after.all - before.all];
  const isCurrent = await showsLast(api, shop);
  for (const one of programs) await one.stop();
  const share = hits / all;
  const visitors = result.kinds.find(one => one.name === "browse")!;
  return {
    isCurrent: isCurrent && result.whole,
    cases: [
      {
        name: `${PER_SECOND}/s of products and lists while ${UPDATES_PER_SECOND} products a second change`,
        perSecond: Math.round(result.answered / result.seconds),
        p50Ms: round(visitors.all.percentileMs(0.5)),
        p99Ms: round(visitors.all.percentileMs(0.99)),
        target: `${(share * 100).toFixed(1)} % of ${all} from the cache; ${HITS * 100} %`,
        ok: share > HITS,
      },
    ],
  };
}

/** The more popular the likelier, as shops are browsed (Zipf, exponent 1). */
function clicks(shop: BenchShop): string[] {
  const headers = { "x-publishable-key": shop.key };
  const get = (path: string) => requestText({ method: "GET", path, headers });
  const lists = ["", "&sort=title", "&sort=price", "&sort=-price", "&sort=popularity"].map(sort =>
    get(`/store/products?limit=24${sort}`),
  );
  const products = shop.skus.map(({ productId }) => get(`/store/products/${productId}`));
  const weight = Math.log(products.length);
  return Array.from({ length: REQUESTS }, (_, n) =>
    n % 100 < LISTS_SHARE * 100
      ? lists[n % lists.length]!
      : products[Math.min(products.length - 1, Math.floor(Math.exp(Math.random() * weight)) - 1)]!,
  );
}

/** One after another, all products in turn. */
function update(shop: BenchShop, n: number): string {
  const { productId } = shop.skus[n % shop.skus.length]!;
  return requestText({
    method: "PATCH",
    path: `/admin/products/${productId}`,
    headers: { authorization: `Bearer ${shop.secretKey}`, "if-match": "*" },
    json: { description: `As of change ${n}` },
  });
}

async function requestsOf(api: ApiNode): Promise<{ hits: number; all: number }> {
  const text = await (await fetch(`http://127.0.0.1:${api.port}/metrics`)).text();
  let [hits, all] = [0, 0];
  for (const [, labels, count] of text.matchAll(/^tradewind_cache_requests_total\{([^}]*)\} (\d+)/gm)) {
    all += Number(count);
    if (!labels!.includes('outcome="miss"')) hits += Number(count);
  }
  return { hits, all };
}

/** What the node gives of some products is what the database has. */
async function showsLast(api: ApiNode, shop: BenchShop): Promise<boolean> {
  const read = async (path: string, headers: Record<string, string>) =>
    (await (await fetch(`http://127.0.0.1:${api.port}${path}`, { headers })).json()) as {
      description: string;
    };
  for (const { productId } of shop.skus.slice(0, 20)) {
    const shown = await read(`/store/products/${productId}`, { "x-publishable-key": shop.key });
    const is = await read(`/admin/products/${productId}`, { authorization: `Bearer ${shop.secretKey}` });
    if (shown.description !== is.description) return false;
  }
  return true;
}
