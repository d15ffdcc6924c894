/**
 * One hot SKU that everybody wants. Direct checkouts of it, beside single-row updates of its level on as many connections;
 * checkouts taken into the queue, beside Elysia with one awaited publish (`enqueue`); and a filled lane drained.
 */
import { flashOrderPlace, setFlash } from "../../commerce/checkout/index.ts";
import { closedCalls, closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import { type BenchShop, checkoutRequest, fillCarts, openBenchShop } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const CLIENTS = 64;
const IN_STOCK = 1_000_000;
/** Of the queued carts, those that there is stock for. */
const SERVED = 0.9;

type Bench = { stack: BenchStack; shop: BenchShop; api: ApiNode };

export const flashScenario: Scenario = {
  name: "flash",
  about: "one hot SKU: direct, taken into the queue, and a filled lane drained",
  seconds: 8,
  async run(stack, { seconds, quick, say }) {
    say("flash: filling a shop");
    const shop = await openBenchShop(stack.sql, { skus: 10, onHand: IN_STOCK });
    const bench: Bench = { stack, shop, api: await stack.startApi() };
    await direct(bench, 8, 1);
    await stack.sql`ANALYZE`;

    say("flash: single-row updates");
    const row = figuresOf([await updateRow(bench, seconds)]);
    say("flash: direct checkouts of one SKU");
    const sync = figuresOf([await direct(bench, CLIENTS, seconds)]);
    say("flash: enqueue");
    const enqueue = figuresOf([await enqueueOnly(bench, seconds)]);
    say("flash: checkouts into the queue");
    await setFlash(stack.sql, {
      storeId: shop.storeId,
      variantId: shop.skus[0]!.variantId,
      on: true,
      author: "bench",
    });
    const queued = await fillLane(bench, seconds, quick ? 20_000 : 60_000);
    const accepted = figuresOf([queued.run]);
    const units = Math.floor(queued.ids.length * SERVED);
    await stack.sql`
      UPDATE inventory.level SET on_hand = reserved + ${units} WHERE variant_id = ${shop.skus[0]!.variantId}`;
    say(`flash: draining ${queued.ids.length} with ${units} units`);
    const drained = await drain(bench, queued.ids.length);

    const times = (one: { perSecond: number }) => round(one.perSecond / row.perSecond);
    const cases: Case[] = [
      goal({ name: `direct checkouts of one SKU, ${CLIENTS} clients`, ...sync, ofLimit: times(sync) }, 2),
      goal({ name: "a filled lane drained", ...drained, ofLimit: times(drained) }, 6),
      {
        name: `taken into the queue, ${CLIENTS} clients`,
        ...accepted,
        target: `0.7 of enqueue (${enqueue.perSecond}/s)`,
        ok: accepted.perSecond >= 0.7 * enqueue.perSecond,
      },
      { name: "enqueue: Elysia and one awaited publish", ...enqueue },
    ];
    const count = await tally(bench, queued.ids);
    return {
      runs: 1,
      exact: count.orders === units && count.oversold === 0 && count.inOrder,
      ours: drained,
      limit: { name: `single-row updates of the level, ${CLIENTS / 2} connections`, ...row },
      ofLimit: times(drained),
      cases,
      notes: [
        `units ${units}, orders ${count.orders}, refused ${count.refused}, oversold ${count.oversold}, first come first served: ${count.inOrder}`,
      ],
    } satisfies Report;
  },
};

const goal = (one: Case, least: number): Case => ({
  ...one,
  target: `${least} times single-row updates`,
  ok: (one.ofLimit ?? 0) >= least,
});

function updateRow({ stack, shop }: Bench, seconds: number): Promise<Measured> {
  const { sql } = stack;
  const { storeId, skus } = shop;
  return closedCalls(
    CLIENTS / 2,
    seconds,
    () => sql`
      UPDATE inventory.level SET version = version + 1
      WHERE store_id = ${storeId} AND variant_id = ${skus[0]!.variantId} AND on_hand - reserved >= 1`,
  );
}

const cartsOf = ({ stack, shop }: Bench, count: number) =>
  fillCarts(stack.sql, shop, count, () => [shop.skus[0]!]);

async function direct(bench: Bench, clients: number, seconds: number): Promise<Measured> {
  const carts = await cartsOf(bench, Math.ceil(seconds * Math.min(15_000, clients * 1_000)));
  return closedLoop({
    ports: [bench.api.port],
    clients,
    seconds,
    next: () => {
      const cart = carts.pop();
      return cart && checkoutRequest(bench.shop, cart);
    },
    onAnswer({ status, body }) {
      if (status !== 201) throw new Error(`checkout answered ${status}: ${body}`);
    },
  });
}

async function enqueueOnly({ stack }: Bench, seconds: number): Promise<Measured> {
  const server = await stack.startServer("bench/servers/enqueue.ts");
  const request = requestText({
    method: "POST",
    path: "/enqueue",
    headers: { "x-publishable-key": "pk_bench", "idempotency-key": crypto.randomUUID() },
    json: { payment: { provider: "test", token: "ok" } },
  });
  const run = await closedLoop({
    ports: [server.port],
    clients: CLIENTS,
    seconds,
    next: () => request,
    onAnswer({ status }) {
      if (status !== 202) throw new Error(`enqueue answered ${status}`);
    },
  });
  await server.stop();
  return run;
}

async function fillLane(
  bench: Bench,
  seconds: number,
  most: number,
): Promise<{ run: Measured; ids: string[] }> {
  const carts = await cartsOf(bench, most);
  const ids: string[] = [];
  const run = await closedLoop({
    ports: [bench.api.port],
    clients: CLIENTS,
    seconds,
    next: () => {
      const cart = carts.pop();
      return cart && checkoutRequest(bench.shop, cart);
    },
    onAnswer({ status, body }) {
      if (status !== 202) throw new Error(`a queued checkout answered ${status}: ${body}`);
      ids.push((JSON.parse(body) as { id: string }).id);
    },
  });
  return { run, ids };
}

/** From the first batch that is done to the last: what came before belongs to the start of the process. */
async function drain({ stack, shop }: Bench, total: number): Promise<ReturnType<typeof figuresOf>> {
  const done = async () => {
    const [row] = await stack.sql`
      SELECT count(*) AS count FROM checkout.attempt
      WHERE store_id = ${shop.storeId} AND length(order_id) = 44`;
    return Number(row!.count);
  };
  const keeper = await stack.startKeeper();
  let before = 0;
  while (before === 0) before = await done();
  const startedAt = performance.now();
  before = await done();
  let now = before;
  while (now < total) {
    await Bun.sleep(50);
    now = await done();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await keeper.stop();
  return figuresOf([{ count: total - before, seconds, latenciesMs: [] }]);
}

async function tally({ stack, shop }: Bench, ids: readonly string[]) {
  const orders = await stack.sql<{ id: string }[]>`
    SELECT id FROM orders.order WHERE store_id = ${shop.storeId} AND id = ANY(${ids as string[]})`;
  const [level] = await stack.sql`
    SELECT greatest(reserved - on_hand, 0) AS oversold FROM inventory.level
    WHERE variant_id = ${shop.skus[0]!.variantId}`;
  const served = new Set(orders.map(order => order.id));
  const seq = (id: string) => flashOrderPlace(id)!.seq;
  const inOrder = ids
    .toSorted((a, b) => seq(a) - seq(b))
    .every((id, i) => served.has(id) === i < served.size);
  return {
    orders: served.size,
    refused: ids.length - served.size,
    oversold: Number(level!.oversold),
    inOrder,
  };
}
