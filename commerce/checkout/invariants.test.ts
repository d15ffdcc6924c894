/** Whatever is done, at once and dying in between: stock adds up, and money adds up. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { adjustStock, commitReservation, releaseLapsed, sweepReservations } from "../inventory/index.ts";
import { factsOf } from "../orders/index.ts";
import { createPriceList } from "../pricing/index.ts";
import { changeTaxRate, changeTaxSettings, createTaxRate, listTaxRates } from "../taxes/index.ts";
import { recoverCheckouts, type Step } from "./index.ts";
import { buy, expireLeases, expireReservations, fillCart, openShop, type Shop } from "./shop.fixture.ts";

const steps: Step[] = ["begun", "authorised", "settled", "lapsed", "abandoned"];
const variant = fc.integer({ min: 0, max: 2 });

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("buy" as const),
      lines: fc.uniqueArray(fc.tuple(variant, fc.integer({ min: 1, max: 4 })), {
        selector: ([one]) => one,
        minLength: 1,
        maxLength: 3,
      }),
      token: fc.constantFrom("ok", "ok", "decline", "timeout"),
      dieAt: fc.option(fc.constantFrom(...steps), { nil: null }),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("adjust" as const),
      variant,
      delta: fc.integer({ min: -6, max: 8 }).filter(delta => delta !== 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("reprice" as const),
      variant,
      amountMinor: fc.nat(5_000),
      ratePpm: fc.nat(300_000),
      pricesIncludeTax: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom("expire" as const, "sweep" as const, "settle" as const) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function run(shop: Shop, one: Operation): Promise<unknown> {
  switch (one.type) {
    case "buy": {
      const cart = await fillCart(shop, one.lines);
      const between = (step: Step) => {
        if (step === one.dieAt) throw new Error("killed");
      };
      const tries = one.twice ? 2 : 1;
      return Promise.allSettled(
        Array.from({ length: tries }, () =>
          buy(shop, cart.id, { key: cart.id, token: one.token, deps: { between } }),
        ),
      );
    }
    case "adjust":
      return adjustStock(shop.sql, {
        storeId: shop.store.id,
        variantId: shop.variants[one.variant]!,
        delta: one.delta,
        reason: "count",
        author: "test",
        key: crypto.randomUUID(),
      });
    case "reprice":
      return reprice(shop, one);
    case "expire":
      await expireReservations(shop);
      return expireLeases(shop);
    case "sweep":
      await sweepReservations(shop.deps);
      return recoverCheckouts(shop.deps, { voidAfterMs: 0 });
    case "settle":
      return runStockJobs(shop);
  }
}

/** Another price, rate and kind of tax: carts that were shown something else are refused. */
async function reprice(shop: Shop, to: Extract<Operation, { type: "reprice" }>): Promise<void> {
  const author = { storeId: shop.store.id, actor: "test" };
  const entries = [{ variantId: shop.variants[to.variant]!, amountMinor: to.amountMinor }];
  await createPriceList(shop.sql, author, { name: "New", type: "override", status: "active", entries });
  const { items } = await listTaxRates(shop.sql, shop.store.id, { limit: 1 });
  await changeTaxRate(shop.sql, author, items[0]!.id, "any", { ratePpm: to.ratePpm });
  await changeTaxSettings(shop.sql, author, "any", { pricesIncludeTax: to.pricesIncludeTax });
}

/** All carts are taxed: they have no address, so their tax is that of the default country. */
async function openTaxedShop(): Promise<Shop> {
  const shop = await openShop([8, 8, 8]);
  const author = { storeId: shop.store.id, actor: "test" };
  await createTaxRate(shop.sql, author, { country: "DE", name: "USt", ratePpm: 190_000 });
  await changeTaxSettings(shop.sql, author, "any", { defaultCountry: "DE" });
  return shop;
}

/** What the jobs in the outbox do, without removing them: each may run again. */
async function runStockJobs(shop: Shop): Promise<void> {
  const origin = { storeId: shop.store.id };
  const rows = await shop.sql`SELECT kind, payload FROM bus.outbox WHERE kind LIKE 'stock.%'`;
  for (const { kind, payload } of rows) {
    if (kind === "stock.release") await releaseLapsed(shop.sql, origin, payload.reservationId);
    else {
      for (const orderId of payload.orderIds) {
        const order = await factsOf(shop.sql, shop.store.id, orderId);
        await commitReservation(shop.sql, origin, order!.reservationId);
      }
    }
  }
}

/** Rows that break what always holds; there must be none at any time. */
async function violations(shop: Shop) {
  return shop.sql`
    SELECT 'stock' AS what, l.variant_id AS id FROM inventory.level l
    WHERE l.reserved < 0 OR l.reserved > l.on_hand
       OR l.on_hand <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a
                        WHERE a.store_id = l.store_id AND a.variant_id = l.variant_id AND a.location_id = l.location_id)
       OR l.reserved <> (SELECT coalesce(sum(rl.quantity), 0) FROM inventory.reservation_line rl
                         JOIN inventory.reservation r ON r.store_id = rl.store_id AND r.id = rl.reservation_id
                         WHERE r.status = 'held' AND rl.store_id = l.store_id AND rl.variant_id = l.variant_id)
    UNION ALL
    SELECT 'money', o.id FROM orders.order o
    CROSS JOIN LATERAL (SELECT sum(l.unit_minor * l.quantity) AS goods, sum(l.tax_minor) AS tax, count(*) FILTER
               (WHERE l.tax_minor <> taxes.of(l.total_minor, l.tax_rate_ppm, o.tax_included)) AS wrong
             FROM orders.line l WHERE l.order_id = o.id) sums
    WHERE o.subtotal_minor <> sums.goods OR o.tax_minor <> sums.tax OR sums.wrong > 0
       OR o.total_minor <> o.subtotal_minor + CASE WHEN o.tax_included THEN 0 ELSE o.tax_minor END
       OR o.total_minor <> (SELECT i.amount_minor FROM payments.intent i WHERE i.id = o.intent_id)
    UNION ALL
    SELECT 'placed without payment or stock', o.id FROM orders.order o
    JOIN payments.test_charge c ON c.intent_id = o.intent_id
    JOIN inventory.reservation r ON r.id = o.reservation_id
    WHERE o.status = 'placed' AND (c.status <> 'authorised' OR r.status = 'released')`;
}

/** At rest nothing is pending, no money is held for an order that is not placed, and no stock is held for nobody. */
async function unrest(shop: Shop) {
  return shop.sql`
    SELECT 'pending' AS what, id FROM orders.order WHERE status = 'pending'
    UNION ALL SELECT 'cart', id FROM carts.cart WHERE status = 'checking_out'
    UNION ALL SELECT 'attempt', key FROM checkout.attempt WHERE status = 'in_progress'
    UNION ALL SELECT 'held', id FROM inventory.reservation WHERE status = 'held'
    UNION ALL SELECT 'intent', id FROM payments.intent WHERE status IN ('created', 'voiding')
    UNION ALL SELECT 'charge', c.intent_id FROM payments.test_charge c JOIN orders.order o ON o.intent_id = c.intent_id
              WHERE c.status = 'authorised' AND o.status <> 'placed'`;
}

test("no sequence of operations, run in parallel and killed at random, breaks stock or money", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 8, maxLength: 24 }), async operations => {
      const shop = await openTaxedShop();
      try {
        for (let i = 0; i < operations.length; i += 8) {
          await Promise.allSettled(operations.slice(i, i + 8).map(one => run(shop, one)));
          expect(await violations(shop)).toHaveLength(0);
        }
        await expireLeases(shop);
        await recoverCheckouts(shop.deps, { voidAfterMs: 0 });
        await runStockJobs(shop);
        expect([...(await violations(shop)), ...(await unrest(shop))]).toEqual([]);
      } finally {
        await shop.drop();
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 60_000);
