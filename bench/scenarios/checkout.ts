/**
 * Carts of two lines on 1,000 SKUs, checked out over HTTP: 32 clients with pools paused (the number beside the limit),
 * 128 clients, one client with and without grouping, and with pools live until every queue is empty.
 *
 * The limit: an order with two lines written by one statement on as many connections, without HTTP, payment or stock.
 */
import { outboxBacklog } from "../../bus/index.ts";
import { newSecretId } from "../../platform/ids.ts";
import { closedCalls, closedLoop } from "../load/closed.ts";
import type { Case, Figures, Report, Scenario } from "../scenario.ts";
import { type BenchShop, checkoutRequest, fillCarts, openBenchShop, type Sku } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { figuresOf, type Measured, ratioOf, round } from "../stats.ts";

const SKUS = 1_000;
const MOST_PER_SECOND = 12_000;
const CLIENTS = 32;
const LEAST = 0.25;

const WARM_SECONDS = 10;

type Bench = { stack: BenchStack; shop: BenchShop; carts: string[]; placed: { count: number } };

export const checkoutScenario: Scenario = {
  name: "checkout",
  about: "carts of two lines to orders over HTTP, beside a one-statement insert of an order",
  seconds: 10,
  async run(stack, { seconds, quick, say }) {
    const runs = quick ? 1 : 3;
    say("checkout: filling a shop");
    const bench = await open(stack);
    const api = await stack.startApi();
    const single = await stack.startApi({ TRADEWIND_CHECKOUT_GROUP: "1" });

    const limits: Measured[] = [];
    const ours: Measured[] = [];
    // A shop that has been open for a minute: autovacuum has seen its tables, and plans are made for them as they are.
    await measure(bench, single, 8, 1);
    await measure(bench, api, 8, 1);
    await stack.sql`ANALYZE`;
    await measure(bench, api, CLIENTS, 1);
    for (let i = 0; i < runs; i++) {
      say(`checkout: run ${i + 1} of ${runs}`);
      limits.push(await insertOrders(bench, seconds));
      ours.push(await measure(bench, api, CLIENTS, seconds));
    }
    const limit = figuresOf(limits);
    const figures = { ...figuresOf(ours), rssMb: await rssMb(api.pid) };
    const ratio = (one: Figures) => round(one.perSecond / limit.perSecond);

    say("checkout: other numbers of clients");
    const wide = figuresOf([await measure(bench, api, 128, seconds)]);
    const alone = figuresOf([await measure(bench, api, 1, Math.min(seconds, 3))]);
    const oneByOne = figuresOf([await measure(bench, single, 1, Math.min(seconds, 3))]);
    const ungrouped = figuresOf([await measure(bench, single, CLIENTS, Math.min(seconds, 5))]);
    say("checkout: with the pools live");
    const live = await withPools(bench, api, seconds, say);
    const cases: Case[] = [
      check({ name: `${CLIENTS} clients, pools paused`, ...figures, ofLimit: ratio(figures) }, LEAST),
      check({ name: "128 clients, pools paused", ...wide, ofLimit: ratio(wide) }, LEAST),
      check(
        { name: `${CLIENTS} clients, pools live until every queue is empty`, ...live, ofLimit: ratio(live) },
        0.12,
      ),
      {
        name: `p95 at ${CLIENTS} clients`,
        p50Ms: figures.p50Ms!,
        p95Ms: figures.p95Ms!,
        p99Ms: figures.p99Ms!,
        target: "p95 under 25 ms",
        ok: figures.p95Ms! < 25,
      },
      {
        name: "1 client",
        ...alone,
        target: `no slower than one by one (${oneByOne.perSecond}/s, p50 ${oneByOne.p50Ms} ms)`,
        ok: alone.p50Ms! <= oneByOne.p50Ms! * 1.1,
      },
      { name: `${CLIENTS} clients, one by one`, ...ungrouped, ofLimit: ratio(ungrouped) },
    ];
    return {
      runs,
      exact: await isExact(bench),
      ours: figures,
      limit: { name: `insert of an order with two lines as one statement, ${CLIENTS} connections`, ...limit },
      ofLimit: ratio(figures),
      cases,
    } satisfies Report;
  },
  ratio: {
    bar: LEAST,
    async measure(stack, seconds) {
      const bench = await open(stack);
      const api = await stack.startApi();
      await measure(bench, api, CLIENTS, 2);
      await stack.sql`ANALYZE`;
      const ratio = await ratioOf(
        () => measure(bench, api, CLIENTS, seconds),
        () => insertOrders(bench, seconds),
      );
      if (!(await isExact(bench))) throw new Error("checkout: not every order stands beside its parts once");
      await api.stop();
      return ratio;
    },
  },
};

function check(one: Case, least: number): Case {
  return { ...one, target: `${least} of the limit`, ok: (one.ofLimit ?? 0) >= least };
}

async function open(stack: BenchStack): Promise<Bench> {
  const shop = await openBenchShop(stack.sql, { skus: SKUS });
  return { stack, shop, carts: [], placed: { count: 0 } };
}

function twoOf(skus: readonly Sku[]): Sku[] {
  const first = Math.floor(Math.random() * skus.length);
  const second = (first + 1 + Math.floor(Math.random() * (skus.length - 1))) % skus.length;
  return [skus[first]!, skus[second]!];
}

/** Has enough carts for `seconds`. */
async function fill({ stack, shop, carts }: Bench, clients: number, seconds: number): Promise<void> {
  const wanted = Math.ceil(seconds * Math.min(MOST_PER_SECOND, clients * 1_000)) + clients;
  const missing = wanted - carts.length;
  if (missing > 0) carts.push(...(await fillCarts(stack.sql, shop, missing, () => twoOf(shop.skus))));
}

/** Enough carts are filled beforehand; every answer must be a 201. */
async function measure(bench: Bench, api: ApiNode, clients: number, seconds: number): Promise<Measured> {
  await fill(bench, clients, seconds);
  const { shop } = bench;
  return closedLoop({
    ports: [api.port],
    clients,
    seconds,
    next: () => {
      const cart = bench.carts.pop();
      return cart && checkoutRequest(shop, cart);
    },
    onAnswer(answer) {
      if (answer.status !== 201) throw new Error(`checkout answered ${answer.status}: ${answer.body}`);
      bench.placed.count++;
    },
  });
}

async function insertOrders({ stack, shop }: Bench, seconds: number): Promise<Measured> {
  const { sql } = stack;
  const insert = () => {
    const [a, b] = twoOf(shop.skus) as [Sku, Sku];
    const id = newSecretId("lim");
    const total = a.priceMinor + b.priceMinor;
    return sql`
      WITH o AS (
        INSERT INTO orders.order (store_id, id, number, cart_id, reservation_id, intent_id, currency, subtotal_minor, total_minor)
        VALUES ('limit', ${id}, ${id}, ${id}, ${id}, ${id}, 'EUR', ${total}, ${total})
      )
      INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, sku, title, quantity, unit_minor, total_minor)
      VALUES ('limit', ${id}, 1, ${a.variantId}, ${a.productId}, 'SKU', 'Title', 1, ${a.priceMinor}, ${a.priceMinor}),
             ('limit', ${id}, 2, ${b.variantId}, ${b.productId}, 'SKU', 'Title', 1, ${b.priceMinor}, ${b.priceMinor})`;
  };
  return closedCalls(CLIENTS, seconds, insert);
}

/** Orders of this measurement over the time until nothing is left to do for them. */
async function withPools(
  bench: Bench,
  api: ApiNode,
  seconds: number,
  say: (line: string) => void,
): Promise<Figures> {
  const { stack } = bench;
  await stack.sql`DELETE FROM bus.outbox`;
  const programs = [
    await stack.startKeeper(),
    await stack.startPool("high"),
    await stack.startPool("normal"),
    // A new store has its lists made; that is a low job.
    await stack.startPool("low"),
  ];
  // As for the API before: pools that have just started are not yet what a shop's pools are.
  await measure(bench, api, CLIENTS, WARM_SECONDS);
  await untilIdle(stack, say);
  await fill(bench, CLIENTS, seconds);
  const startedAt = performance.now();
  const run = await measure(bench, api, CLIENTS, seconds);
  await untilIdle(stack, say);
  const total = (performance.now() - startedAt) / 1_000;
  for (const program of programs) await program.stop();
  return { ...figuresOf([run]), perSecond: Math.round(run.count / total) };
}

/** Waits until no job is open; tells which kinds are when that takes long. */
async function untilIdle({ sql }: BenchStack, say: (line: string) => void): Promise<void> {
  for (let toldAt = performance.now(); ; ) {
    const { due, delayed } = await outboxBacklog(sql);
    const open = await sql`
      SELECT kind, count(*) AS count FROM bus.job WHERE status IN ('queued', 'retrying') GROUP BY kind`;
    if (due + delayed + open.length === 0) return;
    if (performance.now() - toldAt > 5_000) {
      toldAt = performance.now();
      say(`checkout: outbox ${due} + ${delayed}, ${open.map(row => `${row.kind} ${row.count}`).join(", ")}`);
    }
    await Bun.sleep(100);
  }
}

async function isExact({ stack, shop, placed }: Bench): Promise<boolean> {
  const [row] = await stack.sql`
    SELECT (SELECT count(*) FROM orders.order WHERE store_id = ${shop.storeId} AND status = 'placed') AS orders,
           (SELECT count(*) FROM orders.line WHERE store_id = ${shop.storeId}) AS lines,
           (SELECT count(*) FROM carts.cart WHERE store_id = ${shop.storeId} AND status = 'completed') AS carts,
           (SELECT sum(quantity) FROM inventory.reservation_line WHERE store_id = ${shop.storeId}) AS reserved,
           (SELECT count(*) FROM payments.test_charge WHERE store_id = ${shop.storeId} AND status = 'authorised') AS charges`;
  const { orders, lines, carts, reserved, charges } = row as unknown as Record<string, number | string>;
  const n = placed.count;
  return (
    [orders, carts, charges].every(one => Number(one) === n) &&
    Number(lines) === 2 * n &&
    Number(reserved) === 2 * n
  );
}

async function rssMb(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}
