/**
 * One hot SKU that everybody wants. Direct checkouts of it, beside single-row updates of its level on as many connections;
 * checkouts taken into the queue, beside Elysia with one awaited publish (`enqueue`); and a filled lane drained.
 */
import { laneStates, openConnection } from "../../bus/index.ts";
import { flashOrderPlace, setFlash } from "../../commerce/checkout/index.ts";
import { createLog } from "../../platform/log.ts";
import { closedCalls, closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import { type BenchShop, checkoutRequest, fillCarts, openBenchShop } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const CLIENTS = 64;
const IN_STOCK = 1_000_000;
const QUEUED = 20_000;
/** Of the queued carts, those that there is stock for. */
const SERVED = 0.9;
const MAX_FILL_SECONDS = 60;
const silent = createLog({ level: "silent", process: "bench" });

type Bench = { stack: BenchStack; shop: BenchShop; api: ApiNode };

export const flashScenario: Scenario = {
  name: "flash",
  about: "one hot SKU: direct, taken into the queue, and a filled lane drained",
  seconds: 4,
  async run(stack, { seconds, quick, say }) {
    say("flash: filling a shop");
    const shop = await openBenchShop(stack.sql, { skus: 10, onHand: IN_STOCK });
    const bench: Bench = { stack, shop, api: await stack.startApi() };
    await direct(bench, 8, 1);
    await stack.sql`ANALYZE`;

    const runs = quick ? 1 : 3;
    const turns: Turn[] = [];
    for (let i = 0; i < runs; i++) turns.push(await turn(bench, seconds, `run ${i + 1} of ${runs}`, say));
    const of = (name: keyof Omit<Turn, "tally">) => figuresOf(turns.map(one => one[name]));
    const [row, sync, enqueue, accepted, drained] = [
      of("row"),
      of("sync"),
      of("enqueue"),
      of("accepted"),
      of("drained"),
    ];

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
    const tallies = turns.map(one => one.tally);
    return {
      runs,
      exact: tallies.every(isExact),
      ours: drained,
      limit: { name: `single-row updates of the level, ${CLIENTS / 2} connections`, ...row },
      ofLimit: times(drained),
      cases,
      notes: tallies.map(
        count =>
          `units ${count.units}, orders ${count.orders} (with lines and reservation: ${count.whole}, in jobs: ${count.withJobs}), refused ${count.refused}, oversold ${count.oversold}, first come first served: ${count.inOrder}`,
      ),
    } satisfies Report;
  },
};

type Turn = {
  row: Measured;
  sync: Measured;
  enqueue: Measured;
  accepted: Measured;
  drained: Measured;
  tally: Awaited<ReturnType<typeof tally>>;
};

/** All of it once: what is compared sees the same weather. */
async function turn(
  bench: Bench,
  seconds: number,
  which: string,
  say: (text: string) => void,
): Promise<Turn> {
  say(`flash: single-row updates, direct checkouts of one SKU and enqueue, ${which}`);
  await stockUp(bench, IN_STOCK);
  const row = await updateRow(bench, seconds);
  const sync = await direct(bench, CLIENTS, seconds);
  const enqueue = await enqueueOnly(bench, seconds);
  await relayed(bench);
  say(`flash: ${QUEUED} checkouts into the queue and out of it, ${which}`);
  await switchFlash(bench, true);
  const { accepted, ids } = await fillLane(bench);
  const units = Math.floor(ids.length * SERVED);
  await stockUp(bench, units);
  const drained = await drain(bench, ids);
  await switchFlash(bench, false);
  return { row, sync, enqueue, accepted, drained, tally: await tally(bench, ids, units) };
}

const isExact = (count: Turn["tally"]) =>
  count.orders === count.units &&
  count.orders + count.refused === count.queued &&
  count.whole &&
  count.withJobs === count.units &&
  count.oversold === 0 &&
  count.inOrder;

const hotOf = ({ shop }: Bench) => ({ storeId: shop.storeId, variantId: shop.skus[0]!.variantId });

async function switchFlash(bench: Bench, on: boolean): Promise<void> {
  await setFlash(bench.stack.sql, { ...hotOf(bench), on, author: "bench" });
}

async function stockUp(bench: Bench, units: number): Promise<void> {
  await bench.stack.sql`
    UPDATE inventory.level SET on_hand = reserved + ${units} WHERE variant_id = ${hotOf(bench).variantId}`;
}

/** The jobs of the direct checkouts leave the outbox: they are not the lane's to wait for. */
async function relayed({ stack }: Bench): Promise<void> {
  const keeper = await stack.startKeeper();
  const rest = () => stack.sql`SELECT 1 FROM bus.outbox WHERE NOT held AND due_at <= now() LIMIT 1`;
  while ((await rest()).length > 0) await Bun.sleep(100);
  await keeper.stop();
}

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

async function fillLane(bench: Bench): Promise<{ accepted: Measured; ids: string[] }> {
  const carts = await cartsOf(bench, QUEUED);
  const ids: string[] = [];
  const accepted = await closedLoop({
    ports: [bench.api.port],
    clients: CLIENTS,
    seconds: MAX_FILL_SECONDS,
    next: () => {
      const cart = carts.pop();
      return cart && checkoutRequest(bench.shop, cart);
    },
    onAnswer({ status, body }) {
      if (status !== 202) throw new Error(`a queued checkout answered ${status}: ${body}`);
      ids.push((JSON.parse(body) as { id: string }).id);
    },
  });
  return { accepted, ids };
}

/**
 * From the first batch that is done to the last: what came before belongs to the start of the process. A message leaves the lane
 * when its batch has committed; asking NATS costs the machine nothing, counting rows would.
 */
async function drain({ stack }: Bench, ids: readonly string[]): Promise<Measured> {
  const { lane } = flashOrderPlace(ids[0]!)!;
  const connection = openConnection({ url: stack.natsUrl, name: "bench", log: silent });
  await connection.ready;
  const waiting = async () => (await laneStates(connection))[lane]!.waiting;
  const keeper = await stack.startKeeper();
  let now = ids.length;
  while (now === ids.length) now = await waiting();
  const startedAt = performance.now();
  const before = now;
  while (now > 0) {
    await Bun.sleep(20);
    now = await waiting();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await keeper.stop();
  await connection.close();
  return { count: before, seconds, latenciesMs: [] };
}

async function tally({ stack, shop }: Bench, ids: readonly string[], units: number) {
  const orders = await stack.sql<{ id: string; status: string; lines: number; reserved: number }[]>`
    SELECT o.id, o.status,
           (SELECT count(*) FROM orders.line l WHERE l.store_id = o.store_id AND l.order_id = o.id) AS lines,
           (SELECT count(*) FROM inventory.reservation_line r
            WHERE r.store_id = o.store_id AND r.reservation_id = o.reservation_id) AS reserved
    FROM orders.order o WHERE o.store_id = ${shop.storeId} AND o.id = ANY(${ids as string[]})`;
  const [jobs] = await stack.sql`
    SELECT count(DISTINCT id) AS orders
    FROM (SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'
          UNION ALL SELECT payload FROM bus.job WHERE kind = 'checkout.pay') j,
         jsonb_array_elements_text(j.payload -> 'orderIds') AS id
    WHERE id = ANY(${ids as string[]})`;
  const [level] = await stack.sql`
    SELECT greatest(reserved - on_hand, 0) AS oversold FROM inventory.level
    WHERE variant_id = ${shop.skus[0]!.variantId}`;
  const pending = orders.filter(order => order.status === "pending");
  const served = new Set(pending.map(order => order.id));
  const seq = (id: string) => flashOrderPlace(id)!.seq;
  const inOrder = ids
    .toSorted((a, b) => seq(a) - seq(b))
    .every((id, i) => served.has(id) === i < served.size);
  return {
    units,
    queued: ids.length,
    orders: served.size,
    refused: orders.filter(order => order.status === "refused" && order.lines === 1).length,
    whole: pending.every(order => order.lines === 1 && order.reserved === 1),
    withJobs: jobs!.orders,
    oversold: Number(level!.oversold),
    inOrder,
  };
}
