/**
 * The shop's bad days (badday.loads.ts), one after the other on a whole cluster, each an open loop from intended departures.
 * After each, nothing may be left to do, every order stands beside its line, its unit, its charge and its mail exactly once,
 * and no more was sold than there was.
 */
import { setFlash } from "../../commerce/checkout/index.ts";
import type { BenchCluster } from "../cluster.ts";
import { answeredWith, complaints, type OpenResult, openLoop } from "../load/open.ts";
import type { Case, ClusterScenario, Figures, Report } from "../scenario.ts";
import { countSold, untilIdle } from "../settle.ts";
import { type BenchShop, fillCarts, openBenchShop } from "../shop.ts";
import { round } from "../stats.ts";
import { kindsOf } from "../traffic.ts";
import { type BadDay, badDays } from "./badday.loads.ts";

const SKUS = 1_000;
const CARTS = 500;
const WARM_SECONDS = 3;

type Outcome = { day: BadDay; load: OpenResult; seconds: number; faults: string[]; told: string };

export const badDayScenario: ClusterScenario = {
  name: "badday",
  about: "flash sales of 300 and 30,000 orders a minute; browse, search and cart at 10,000 requests a second",
  seconds: 20,
  cluster: { TRADEWIND_RATE_LIMIT_FACTOR: "100000", TRADEWIND_DEMO: "off" },
  async run(cluster, { seconds, say }): Promise<Report> {
    const outcomes: Outcome[] = [];
    for (const day of badDays) {
      say(`badday: ${day.name}`);
      outcomes.push(await live(cluster, day, seconds, say));
    }
    const last = outcomes.at(-1)!;
    const intended = last.load.intended / seconds;
    const ours = figures(last);
    return {
      runs: 1,
      exact: outcomes.every(one => one.faults.length === 0),
      ours,
      limit: { name: "the intended rate", perSecond: Math.round(intended) },
      ofLimit: round(ours.perSecond / intended),
      cases: outcomes.flatMap(casesOf),
      notes: outcomes.flatMap(({ day, faults, told, load }) => [
        ...faults.map(fault => `NOT EXACT, ${day.name}: ${fault}`),
        `${day.name}: ${told}${load.lateness.behind ? "; THE GENERATOR FELL BEHIND" : ""}`,
      ]),
    };
  },
};

/** A shop of its own for each day, so that counts are of this day. */
async function live(
  cluster: BenchCluster,
  day: BadDay,
  seconds: number,
  say: (line: string) => void,
): Promise<Outcome> {
  const { sql } = cluster;
  const shop = await openBenchShop(sql, { skus: SKUS, announce: true });
  await untilIdle(sql, say);
  const carts = await fillCarts(sql, shop, CARTS, i => [shop.skus[1 + (i % (SKUS - 1))]!]);
  const wanted = Math.round((day.visits.checkout ?? 0) * seconds * 1.2) + (day.sale ? 20 : 0);
  const toBuy = await fillCarts(sql, shop, wanted, () => [shop.skus[0]!]);
  const bought = day.sale?.queued ? [202] : [201, 409];
  const visitors = { shop, carts, toBuy, bought };
  const perSecond = Object.values(day.visits).reduce((sum, one) => sum + one, 0);
  const units = await openSale(cluster, shop, day, seconds);
  const { checkout: _, ...browsing } = day.visits;
  const send = (mix: BadDay["visits"], rate: number, length: number) =>
    openLoop({
      ports: [cluster.port],
      perSecond: rate,
      seconds: length,
      kinds: kindsOf(mix, visitors),
    });
  await send(browsing, perSecond / 2, WARM_SECONDS);
  const load = await send(day.visits, perSecond, seconds);
  for (const line of complaints(load)) say(`badday: ${line}`);
  await untilIdle(sql, say);
  return { day, load, seconds, ...(await count(cluster, shop, day, load, units)) };
}

/** Units of the one article, fewer than will be wanted. */
async function openSale(
  { sql }: BenchCluster,
  shop: BenchShop,
  day: BadDay,
  seconds: number,
): Promise<number> {
  if (!day.sale) return 0;
  const { storeId } = shop;
  const { variantId } = shop.skus[0]!;
  const units = Math.floor((day.visits.checkout ?? 0) * seconds * day.sale.stockShare);
  await sql`
    UPDATE inventory.level SET on_hand = reserved + ${units}
    WHERE store_id = ${storeId} AND variant_id = ${variantId}`;
  if (day.sale.queued) await setFlash(sql, { storeId, variantId, on: true, author: "bench" });
  return units;
}

async function count(
  { sql }: BenchCluster,
  shop: BenchShop,
  { sale }: BadDay,
  load: OpenResult,
  units: number,
): Promise<{ faults: string[]; told: string }> {
  const sold = await countSold(sql, shop.storeId);
  const accepted = answeredWith(load, "checkout", 201, 202);
  const turnedAway = answeredWith(load, "checkout", 409);
  const placed = sale?.queued ? Math.min(units, accepted) : accepted;
  const wanted: [string, number, number][] = [
    ["orders", placed, sold.placed],
    ["lines", placed, sold.lines],
    ["units", placed, sold.reserved],
    ["charges", placed, sold.charges],
    ["mails", placed, sold.mails],
    ["refused orders", sale?.queued ? accepted - placed : 0, sold.refused],
    ["orders, if all that there was is sold", sale ? Math.min(units, accepted + turnedAway) : 0, sold.placed],
  ];
  const unmet = wanted.filter(([, a, b]) => a !== b).map(([name, a, b]) => `${name}: ${a} asked, ${b} found`);
  const odd = complaints(load);
  const told = sale
    ? `${units} units, ${accepted + turnedAway} wanted, ${sold.placed} sold, ${sold.refused + turnedAway} turned away`
    : `${load.answered} of ${load.intended} were answered in time`;
  return { faults: [...unmet, ...odd], told };
}

/** Answers by the time that they took to come, which is longer than the plan where the servers can't keep up. */
function figures({ load }: Outcome): Figures {
  return {
    perSecond: Math.round(load.answered / load.seconds),
    p50Ms: round(load.all.percentileMs(0.5)),
    p95Ms: round(load.all.percentileMs(0.95)),
    p99Ms: round(load.all.percentileMs(0.99)),
  };
}

function casesOf(outcome: Outcome): Case[] {
  const { day, load } = outcome;
  const all = figures(outcome);
  const whole: Case = {
    name: day.name,
    ...all,
    target: `p99 from the intended departure under ${day.p99Ms} ms`,
    ok: all.p99Ms! < day.p99Ms && load.whole,
  };
  const kinds = load.kinds.map(kind => ({
    name: `  ${kind.name}`,
    perSecond: Math.round(kind.count / load.seconds),
    p50Ms: round(kind.all.percentileMs(0.5)),
    p95Ms: round(kind.all.percentileMs(0.95)),
    p99Ms: round(kind.all.percentileMs(0.99)),
  }));
  return [whole, ...kinds];
}
