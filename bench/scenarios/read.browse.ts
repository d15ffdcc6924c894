/**
 * Browsing while products change: how much of it the cache answers, by its own count, and whether what it gives is true. Measured
 * when it has gone on for a while: what nobody has asked for yet can't be kept.
 */
import { requestText } from "../load/connection.ts";
import { complaints, type OpenResult, openLoop } from "../load/open.ts";
import type { Case, Options } from "../scenario.ts";
import type { BenchShop } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { round } from "../stats.ts";

const PER_SECOND = 2_000;
const UPDATES_PER_SECOND = 50;
const HITS = 0.95;
const SECONDS = 20;
const WARM_SECONDS = 10;
const REQUESTS = 20_000;
/** Of the visitors' clicks; the rest are products. */
const LISTS_SHARE = 0.2;

export async function browse(
  stack: BenchStack,
  api: ApiNode,
  shop: BenchShop,
  { quick, say }: Options,
): Promise<{ cases: Case[]; faults: string[] }> {
  say("read: browsing while products change");
  const programs = [await stack.startKeeper(), await stack.startPool("normal")];
  const seconds = quick ? SECONDS / 4 : SECONDS;
  const updates = updatesOf(shop);
  const visit = (length: number) =>
    openLoop({
      ...{ ports: [api.port], perSecond: PER_SECOND + UPDATES_PER_SECOND, seconds: length, maxInFlight: 64 },
      kinds: [
        { name: "browse", share: PER_SECOND, requests: clicks(shop), expect: [200] },
        { name: "update", share: UPDATES_PER_SECOND, requests: updates(length), once: true, expect: [200] },
      ],
    });
  const warm = await visit(quick ? WARM_SECONDS / 2 : WARM_SECONDS);
  const before = await requestsOf(api);
  const result = await visit(seconds);
  const after = await requestsOf(api);
  const shares = ["product", "list"].map(family => shareOf(before, after, family));
  const { share, all } = shareOf(before, after);
  const stale = await staleOf(api, shop);
  for (const one of programs) await one.stop();
  const visitors = result.kinds.find(one => one.name === "browse")!;
  return {
    faults: [...stale, ...faultsOf(warm), ...faultsOf(result)],
    cases: [
      {
        name: `${PER_SECOND}/s of ${shop.skus.length} products and their lists while ${UPDATES_PER_SECOND} a second change`,
        perSecond: Math.round(result.answered / result.seconds),
        p50Ms: round(visitors.all.percentileMs(0.5)),
        p99Ms: round(visitors.all.percentileMs(0.99)),
        target: `${percent(share)} of ${all} from the cache (products ${percent(shares[0]!.share)}, lists ${percent(shares[1]!.share)}); ${HITS * 100} %`,
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

/** One after another, all products in turn: enough of them for so many seconds, however they arrive. */
function updatesOf(shop: BenchShop): (seconds: number) => string[] {
  let count = 0;
  const update = () => {
    const { productId } = shop.skus[count++ % shop.skus.length]!;
    return requestText({
      method: "PATCH",
      path: `/admin/products/${productId}`,
      headers: { authorization: `Bearer ${shop.secretKey}`, "if-match": "*" },
      json: { description: `As of change ${count}` },
    });
  };
  return seconds => Array.from({ length: UPDATES_PER_SECOND * seconds * 2 }, update);
}

type Counted = { family: string; isHit: boolean; count: number }[];

async function requestsOf(api: ApiNode): Promise<Counted> {
  const text = await (await fetch(`http://127.0.0.1:${api.port}/metrics`)).text();
  const lines = text.matchAll(/^tradewind_cache_requests_total\{([^}]*)\} (\d+)/gm);
  return [...lines].map(([, labels, count]) => ({
    family: /family="(\w+)"/.exec(labels!)?.[1] ?? "",
    isHit: !labels!.includes('outcome="miss"'),
    count: Number(count),
  }));
}

/** How much of what was asked for in between came from the cache; of one family or of all. */
function shareOf(before: Counted, after: Counted, family?: string): { share: number; all: number } {
  const sum = (counted: Counted, hits: boolean) =>
    counted
      .filter(one => (family === undefined || one.family === family) && (one.isHit || !hits))
      .reduce((total, one) => total + one.count, 0);
  const all = sum(after, false) - sum(before, false);
  return { share: (sum(after, true) - sum(before, true)) / Math.max(1, all), all };
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** What was not sent, not answered, or answered otherwise. */
function faultsOf(load: OpenResult): string[] {
  const { intended, sent, answered, whole } = load;
  return whole ? [] : [`${intended} intended, ${sent} sent, ${answered} answered`, ...complaints(load)];
}

/** Some products of which the node gives something else than what the database has. */
async function staleOf(api: ApiNode, shop: BenchShop): Promise<string[]> {
  const read = async (path: string, headers: Record<string, string>) =>
    (await (await fetch(`http://127.0.0.1:${api.port}${path}`, { headers })).json()) as {
      description: string;
    };
  const stale: string[] = [];
  for (const { productId } of shop.skus.slice(0, 20)) {
    const shown = await read(`/store/products/${productId}`, { "x-publishable-key": shop.key });
    const is = await read(`/admin/products/${productId}`, { authorization: `Bearer ${shop.secretKey}` });
    if (shown.description !== is.description)
      stale.push(`${productId}: "${shown.description}" is given, "${is.description}" it is`);
  }
  return stale;
}
