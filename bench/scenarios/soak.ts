/**
 * Everything at once at a rate that a small machine holds, for ten minutes, on a whole cluster: browsing, searches, carts,
 * checkouts, jobs (open loop), pictures and product files. What is looked for is what a short run can't show: memory that
 * grows, latency that creeps up, and anything that was done twice or not at all.
 */
import type { BenchCluster } from "../cluster.ts";
import { Histogram } from "../load/histogram.ts";
import { answeredWith, complaints, type OpenResult, openLoop } from "../load/open.ts";
import { growthOf, seriesOf, type Track, watchMemory } from "../memory.ts";
import type { Case, ClusterScenario, Figures, Report } from "../scenario.ts";
import { countJobs, countSold, untilIdle } from "../settle.ts";
import { type BenchShop, fillCarts, openBenchShop } from "../shop.ts";
import { round } from "../stats.ts";
import { kindsOf, type Visit } from "../traffic.ts";
import { openBackOffice } from "./soak.office.ts";

const SKUS = 1_000;
const CARTS = 1_000;
/** Requests a second of each kind. */
const mix: Readonly<Record<Visit, number>> = {
  list: 30,
  product: 60,
  search: 15,
  readCart: 15,
  newCart: 5,
  addToCart: 10,
  checkout: 10,
  job: 15,
};
const PER_SECOND = Object.values(mix).reduce((sum, one) => sum + one, 0);
const JOB_KINDS = ["drill.noop.high", "drill.noop.normal", "drill.noop.low"];
const WARM_SECONDS = 120;
const MOST_GROWTH = 0.1;
const MOST_SLOWER = 1.25;
/** A millisecond up or down is the timer's. */
const SLACK_MS = 2;

export const soakScenario: ClusterScenario = {
  name: "soak",
  about: "ten minutes of everything on a whole cluster: memory, slow-down, counts",
  seconds: 600,
  cluster: {
    TRADEWIND_AUTOSCALE: "off",
    TRADEWIND_RATE_LIMIT_FACTOR: "100000",
    TRADEWIND_DEMO: "off",
  },
  async run(cluster, { seconds, say }): Promise<Report> {
    say("soak: filling a shop");
    const shop = await openBenchShop(cluster.sql, { skus: SKUS, announce: true });
    await untilIdle(cluster.sql, say);
    const carts = await fillCarts(cluster.sql, shop, CARTS, i => [shop.skus[i % SKUS]!]);
    const buying = Math.ceil(mix.checkout * seconds * 1.3) + 100;
    const toBuy = await fillCarts(cluster.sql, shop, buying, i => [shop.skus[(i * 13) % SKUS]!]);
    const office = openBackOffice(cluster, shop);
    const memory = watchMemory(cluster);
    say(`soak: ${PER_SECOND} requests a second for ${seconds} s`);
    const [load] = await Promise.all([
      openLoop({
        ports: [cluster.port],
        perSecond: PER_SECOND,
        seconds,
        slices: 3,
        maxInFlight: 64,
        kinds: kindsOf(mix, { shop, carts, toBuy, opsKey: cluster.keys.ops }),
      }),
      office.work(seconds),
    ]);
    const tracks = memory.stop();
    for (const line of complaints(load)) say(`soak: ${line}`);
    say("soak: until everything is done");
    await untilIdle(cluster.sql, say);
    const counts = await countEverything(cluster, shop, load, office);
    const [, second, last] = [0, 1, 2].map(slice => sliceFigures(load, slice, seconds / 3)) as Figures[];
    const ofLimit = round(second!.p95Ms! / Math.max(last!.p95Ms!, 0.001));
    return {
      runs: 1,
      exact: load.whole && counts.faults.length === 0,
      ours: last!,
      limit: { name: "the second third of the time, at the same rate", ...second! },
      ofLimit,
      cases: [slowDown(second!, last!), ...kindCases(load), ...memoryCases(tracks, seconds)],
      notes: [...counts.faults, counts.told, lateness(load)],
      series: tracks.filter(track => track.ours).map(seriesOf),
    };
  },
};

function sliceFigures(load: OpenResult, slice: number, seconds: number): Figures {
  const all = load.kinds.reduce((sum, kind) => sum.add(kind.slices[slice]!.data()), new Histogram());
  return { perSecond: Math.round(all.count / seconds), ...quantiles(all) };
}

const quantiles = (all: { percentileMs(share: number): number }) => ({
  p50Ms: round(all.percentileMs(0.5)),
  p95Ms: round(all.percentileMs(0.95)),
  p99Ms: round(all.percentileMs(0.99)),
});

function slowDown(second: Figures, last: Figures): Case {
  const most = round(second.p95Ms! * MOST_SLOWER + SLACK_MS);
  const target = `p95 at most ${most} ms (${MOST_SLOWER} times the second third's ${second.p95Ms} ms and ${SLACK_MS})`;
  return { name: "the last third", ...last, target, ok: last.p95Ms! <= most };
}

const kindCases = (load: OpenResult): Case[] =>
  load.kinds.map(kind => ({
    name: `${kind.name}, from the intended departure`,
    perSecond: round(kind.count / load.seconds),
    ...quantiles(kind.all),
  }));

function memoryCases(tracks: readonly Track[], seconds: number): Case[] {
  const warm = Math.min(WARM_SECONDS, seconds / 2);
  return tracks
    .filter(track => track.ours)
    .map(track => {
      const growth = growthOf(track, warm);
      const target = `within ${MOST_GROWTH * 100} % of what it took after ${warm} s`;
      if (!growth) return { name: `${track.name}, which did not live all the time`, target, ok: false };
      const name = `${track.name}: ${growth.fromMb} → ${growth.toMb} MB (${round(growth.growth * 100, 1)} %)`;
      return { name, rssMb: Math.round(growth.toMb), target, ok: growth.growth <= MOST_GROWTH };
    });
}

async function countEverything(
  { sql }: BenchCluster,
  shop: BenchShop,
  load: OpenResult,
  office: ReturnType<typeof openBackOffice>,
): Promise<{ faults: string[]; told: string }> {
  const bought = answeredWith(load, "checkout", 201);
  const jobs = answeredWith(load, "job", 202);
  const created = answeredWith(load, "newCart", 201);
  const [sold, ledger, made] = [
    await countSold(sql, shop.storeId),
    await countJobs(sql, JOB_KINDS),
    await office.count(),
  ];
  const [carts] = await sql<{ open: number }[]>`
    SELECT count(*)::int AS open FROM carts.cart c WHERE store_id = ${shop.storeId} AND email IS NULL`;
  const wanted: [string, number, number][] = [
    ["orders", bought, sold.placed],
    ["order lines", bought, sold.lines],
    ["units reserved or sold", bought, sold.reserved],
    ["charges", bought, sold.charges],
    ["orders with a mail", bought, sold.mails],
    ["jobs done", jobs, ledger.done ?? 0],
    ["kinds of end of jobs", 1, Object.keys(ledger).length],
    ["new carts", created, carts!.open],
    ["pictures ready", made.pictures.sent, made.pictures.ready],
    ["product files done", made.files.sent, made.files.done],
    ["products of files", made.files.products, made.files.stored],
  ];
  return {
    faults: wanted
      .filter(([, a, b]) => a !== b)
      .map(([name, a, b]) => `NOT EXACT: ${name}: ${a} asked, ${b} found`),
    told: wanted.map(([name, , count]) => `${count} ${name}`).join(", "),
  };
}

const lateness = ({ lateness: { behind, p99Ms, maxMs } }: OpenResult) =>
  `the generator ${behind ? "FELL BEHIND" : "kept up"}: its own lateness p99 ${round(p99Ms)} ms, at most ${round(maxMs)} ms`;
