/**
 * Whatever is done to carts, orders and stock, at once and dying between any two steps: stock adds up, and money adds up.
 * checkout/invariants.test.ts does the same to checkouts alone, harder.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Problem } from "../../platform/errors.ts";
import { recoverCheckouts, type Step } from "../checkout/index.ts";
import {
  buy,
  expireLeases,
  expireReservations,
  fillCart,
  openShop,
  type Shop,
} from "../checkout/shop.fixture.ts";
import {
  adjustStock,
  commitReservation,
  createLocation,
  createTransfer,
  listLocations,
  moveTransfer,
  releaseLapsed,
  sweepReservations,
} from "../inventory/index.ts";
import { changeTaxSettings, createTaxRate } from "../taxes/index.ts";
import { type ActionStep, cancelOrder, factsOf, fulfilOrder, recoverActions, refundOrder } from "./index.ts";

const pick = fc.nat({ max: 1_000 });
const variant = fc.integer({ min: 0, max: 2 });
const units = fc.integer({ min: 1, max: 4 });
const dieIn = fc.option(
  fc.constantFrom<Step | ActionStep>("begun", "authorised", "captured", "refunded", "settled"),
  {
    nil: null,
  },
);

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("buy" as const),
      lines: fc.uniqueArray(fc.tuple(variant, units), {
        selector: ([one]) => one,
        minLength: 1,
        maxLength: 3,
      }),
      token: fc.constantFrom("ok", "ok", "ok", "decline"),
      die: dieIn,
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      type: fc.constantFrom(
        "cancel" as const,
        "refund all" as const,
        "refund line" as const,
        "refund some" as const,
        "fulfil" as const,
        "fulfil all" as const,
      ),
      order: pick,
      variant,
      units,
      restock: fc.boolean(),
      die: dieIn,
      twice: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom(
        "draft" as const,
        "in_transit" as const,
        "received" as const,
        "cancelled" as const,
      ),
      transfer: pick,
      back: fc.boolean(),
      variant,
      units,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("adjust" as const),
      variant,
      delta: fc.integer({ min: -6, max: 8 }),
      elsewhere: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("expire" as const, "sweep" as const, "settle" as const) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

type World = Shop & { main: string; depot: string };

/** Taxed at a rate that leaves fractions of a cent in every share of a line. */
async function openWorld(pricesIncludeTax: boolean): Promise<World> {
  const shop = await openShop([10, 10, 10]);
  const author = { storeId: shop.store.id, actor: "test" };
  await createTaxRate(shop.sql, author, { country: "US", name: "Sales tax", ratePpm: 88_753 });
  await changeTaxSettings(shop.sql, author, "any", { defaultCountry: "US", pricesIncludeTax });
  const main = (await listLocations(shop.sql, shop.store.id, { limit: 1 })).items[0]!.id;
  const depot = (await createLocation(shop.sql, author, { name: "Depot" })).id;
  const world = { ...shop, main, depot };
  for (const lines of [
    [[0, 2]],
    [
      [0, 1],
      [1, 3],
    ],
    [
      [1, 1],
      [2, 2],
    ],
  ] as const) {
    await buy(world, (await fillCart(world, lines)).id);
    await transfer(world, { type: "draft", variant: 2, units: 1, back: false, transfer: 0 });
  }
  return world;
}

const dying = (die: string | null) => ({
  between: (step: string) => {
    if (step === die) throw new Error("killed");
  },
});

async function nth(
  world: World,
  table: "orders.order" | "inventory.transfer",
  n: number,
): Promise<string | null> {
  const rows = await world.sql.unsafe(`SELECT id FROM ${table} ORDER BY id`);
  return rows.length === 0 ? null : rows[n % rows.length]!.id;
}

/** Refusals and deaths are part of the game; anything else is a defect. */
async function attempt(work: Promise<unknown>): Promise<void> {
  await work.catch(error => {
    if (!(error instanceof Problem) && error.message !== "killed") throw error;
  });
}

async function run(world: World, one: Operation): Promise<unknown> {
  switch (one.type) {
    case "buy": {
      const cart = await fillCart(world, one.lines);
      return buy(world, cart.id, { key: cart.id, token: one.token, deps: dying(one.die) });
    }
    case "adjust":
      return adjustStock(world.sql, {
        storeId: world.store.id,
        variantId: world.variants[one.variant]!,
        locationId: one.elsewhere ? world.depot : undefined,
        delta: one.delta,
        reason: "count",
        author: "test",
        key: crypto.randomUUID(),
      });
    case "draft":
    case "in_transit":
    case "received":
    case "cancelled":
      return transfer(world, one);
    case "expire":
      await expireReservations(world);
      return expireLeases(world);
    case "sweep":
      return sweep(world);
    case "settle":
      return runStockJobs(world);
    default:
      return act(world, one);
  }
}

type Shipping = Extract<Operation, { transfer: number }>;

async function transfer(world: World, one: Shipping): Promise<unknown> {
  const author = { storeId: world.store.id, actor: "test" };
  if (one.type === "draft") {
    const [fromLocationId, toLocationId] = one.back ? [world.depot, world.main] : [world.main, world.depot];
    const lines = [{ variantId: world.variants[one.variant]!, quantity: one.units }];
    return createTransfer(world.sql, author, { fromLocationId, toLocationId, lines });
  }
  const id = await nth(world, "inventory.transfer", one.transfer);
  return id && moveTransfer(world.sql, author, id, one.type);
}

async function act(world: World, one: Extract<Operation, { order: number }>): Promise<unknown> {
  const orderId = await nth(world, "orders.order", one.order);
  if (orderId === null) return null;
  const { sql, log, providers } = world.deps;
  const deps = { sql, log, providers, ...dying(one.die) };
  const asked = {
    author: { storeId: world.store.id, actor: "test" },
    orderId,
    key: one.twice ? crypto.randomUUID() : null,
  };
  const line = { variantId: world.variants[one.variant]!, quantity: one.units };
  const calls = {
    cancel: () => cancelOrder(deps, asked, {}),
    "refund all": () => refundOrder(deps, asked, { restock: one.restock }),
    "refund line": () => refundOrder(deps, asked, { lines: [{ ...line, restock: one.restock }] }),
    "refund some": () => refundOrder(deps, asked, { amountMinor: one.units * 700 }),
    fulfil: () => fulfilOrder(deps, asked, { lines: [line] }),
    "fulfil all": () => fulfilOrder(deps, asked, {}),
  };
  return Promise.all([calls[one.type](), ...(one.twice ? [calls[one.type]()] : [])].map(attempt));
}

async function sweep(world: World): Promise<void> {
  const { sql, log, providers } = world.deps;
  await sweepReservations(world.deps);
  await recoverCheckouts(world.deps, { voidAfterMs: 0 });
  await recoverActions({ sql, log, providers }, { afterMs: 0 });
}

/** What the jobs in the outbox do, without removing them: each may run again. */
async function runStockJobs(world: World): Promise<void> {
  const origin = { storeId: world.store.id };
  const rows = await world.sql`SELECT kind, payload FROM bus.outbox WHERE kind LIKE 'stock.%'`;
  for (const { kind, payload } of rows) {
    if (kind === "stock.release") await releaseLapsed(world.sql, origin, payload.reservationId);
    else {
      const order = await factsOf(world.sql, world.store.id, payload.orderId);
      await commitReservation(world.sql, origin, order!.reservationId);
    }
  }
}

/** Rows that break what always holds; there must be none at any time. */
const violations = ({ sql }: World) => sql`
  SELECT 'stock' AS what, l.variant_id AS id FROM inventory.level l
  WHERE l.reserved < 0 OR l.reserved > l.on_hand
     OR l.on_hand <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a
                      WHERE a.variant_id = l.variant_id AND a.location_id = l.location_id)
     OR l.reserved <> (SELECT coalesce(sum(i.quantity), 0) FROM inventory.reservation_line i
                       JOIN inventory.reservation r ON r.id = i.reservation_id
                       WHERE r.status = 'held' AND i.variant_id = l.variant_id AND i.location_id = l.location_id)
     OR l.incoming <> (SELECT coalesce(sum(i.quantity), 0) FROM inventory.transfer_line i
                       JOIN inventory.transfer f ON f.id = i.transfer_id
                       WHERE f.status = 'in_transit' AND f.to_location = l.location_id AND i.variant_id = l.variant_id)
  UNION ALL
  SELECT 'units came back twice', r.id FROM inventory.reservation r
  WHERE (SELECT coalesce(sum(i.restored), 0) FROM inventory.reservation_line i WHERE i.reservation_id = r.id)
     <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a WHERE a.key = 'return:' || r.id)
  UNION ALL
  SELECT 'totals', o.id FROM orders.order o
  WHERE o.subtotal_minor <> (SELECT sum(l.unit_minor * l.quantity) FROM orders.line l WHERE l.order_id = o.id)
     OR o.tax_minor <> (SELECT sum(l.tax_minor) FROM orders.line l WHERE l.order_id = o.id)
     OR o.total_minor <> o.subtotal_minor - o.discount_minor + o.shipping_minor
                         + CASE WHEN o.tax_included THEN 0 ELSE o.tax_minor END
     OR o.total_minor <> (SELECT i.amount_minor FROM payments.intent i WHERE i.id = o.intent_id)
  UNION ALL
  SELECT 'refunds', o.id FROM orders.order o
  WHERE o.refunded_minor <> (SELECT coalesce(sum(a.amount_minor), 0) FROM orders.action a
                             WHERE a.order_id = o.id AND a.status <> 'failed')
     OR o.refunded_minor <> (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refund r
                             WHERE r.intent_id = o.intent_id AND r.status <> 'refused')
     OR o.refunded_minor < (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.test_refund r
                            WHERE r.intent_id = o.intent_id AND r.status = 'refunded')
     OR o.refunded_minor > o.total_minor
  UNION ALL
  SELECT 'units of actions', l.order_id FROM orders.line l
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(i.quantity) FILTER (WHERE a.kind = 'refund'), 0) AS refunded,
           coalesce(sum(i.quantity) FILTER (WHERE a.kind = 'fulfilment'), 0) AS fulfilled,
           coalesce(sum(i.amount_minor) FILTER (WHERE a.kind = 'refund'), 0) AS amount,
           coalesce(sum(i.tax_minor) FILTER (WHERE a.kind = 'refund'), 0) AS tax
    FROM orders.action a JOIN orders.action_line i ON i.action_id = a.id
    WHERE a.order_id = l.order_id AND a.status <> 'failed' AND i.position = l.position) s
  WHERE l.refunded <> s.refunded OR l.fulfilled <> s.fulfilled OR s.amount > l.total_minor
     OR (l.refunded = l.quantity AND (s.amount <> l.total_minor OR s.tax <> l.tax_minor))
  UNION ALL
  SELECT 'sent without money, or after it was cancelled', o.id FROM orders.order o
  JOIN payments.test_charge c ON c.intent_id = o.intent_id
  WHERE o.fulfilment_status <> 'unfulfilled' AND (c.status <> 'captured' OR o.status NOT IN ('placed', 'completed'))`;

/** At rest nothing is pending, and the provider's books say what our orders say. */
const unrest = ({ sql }: World) => sql`
  SELECT 'pending' AS what, id FROM orders.order WHERE status = 'pending'
  UNION ALL SELECT 'action', id FROM orders.action WHERE status = 'requested'
  UNION ALL SELECT 'cart', id FROM carts.cart WHERE status = 'checking_out'
  UNION ALL SELECT 'held', id FROM inventory.reservation WHERE status = 'held'
  UNION ALL SELECT 'intent', id FROM payments.intent WHERE status IN ('created', 'capturing', 'voiding')
  UNION ALL SELECT 'refund', id FROM payments.refund WHERE status = 'requested'
  UNION ALL
  SELECT 'books', o.id FROM orders.order o JOIN payments.test_charge c ON c.intent_id = o.intent_id
  WHERE c.status <> CASE o.payment_status WHEN 'partially_refunded' THEN 'captured' WHEN 'refunded' THEN 'captured'
                    ELSE o.payment_status END
     OR o.refunded_minor <> (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.test_refund r
                             WHERE r.intent_id = o.intent_id AND r.status = 'refunded')
     OR o.payment_status <> CASE WHEN o.refunded_minor = 0 THEN o.payment_status WHEN o.refunded_minor = o.total_minor THEN 'refunded'
                            ELSE 'partially_refunded' END`;

test("no sequence of operations, run in parallel and killed at random, breaks stock or money", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 32, maxLength: 64 }),
      fc.boolean(),
      async (operations, taxIncluded) => {
        const world = await openWorld(taxIncluded);
        try {
          for (let i = 0; i < operations.length; i += 8) {
            await Promise.all(operations.slice(i, i + 8).map(one => attempt(run(world, one))));
            expect([...(await violations(world))]).toEqual([]);
          }
          await expireLeases(world);
          await sweep(world);
          await runStockJobs(world);
          expect([...(await violations(world)), ...(await unrest(world))]).toEqual([]);
        } finally {
          await world.drop();
        }
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
}, 90_000);
