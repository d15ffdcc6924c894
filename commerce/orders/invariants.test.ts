/**
 * Whatever is done to carts, orders and stock, at once and broken off at any step: stock adds up, and money adds up.
 * checkout/invariants.test.ts does the same to checkouts alone, harder.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Problem } from "../../platform/errors.ts";
import { Mishap, type MishapKind, mishaps, StepLost } from "../../platform/testing/index.ts";
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
  createLocation,
  createTransfer,
  listLocations,
  moveTransfer,
} from "../inventory/index.ts";
import { changeTaxSettings, createTaxRate } from "../taxes/index.ts";
import { befallen } from "./crashes.fixture.ts";
import { cancelOrder, fulfilOrder, refundOrder } from "./index.ts";
import { runStockJobs, sweep, unrest, violations } from "./invariants.fixture.ts";

const pick = fc.nat({ max: 1_000 });
const variant = fc.integer({ min: 0, max: 2 });
const units = fc.integer({ min: 1, max: 4 });
/** At which step of it what happens; most have fewer than ten. */
const mishap = fc.option(
  fc.record({ kind: fc.constantFrom(...mishaps), at: fc.integer({ min: 1, max: 10 }) }),
  { nil: null },
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
      mishap,
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
      mishap,
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
    arbitrary: fc.record({
      type: fc.constantFrom("expire" as const, "sweep" as const, "settle" as const),
      mishap,
    }),
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

async function nth(
  world: World,
  table: "orders.order" | "inventory.transfer",
  n: number,
): Promise<string | null> {
  const rows = await world.sql.unsafe(`SELECT id FROM ${table} ORDER BY id`);
  return rows.length === 0 ? null : rows[n % rows.length]!.id;
}

/** Refusals and mishaps are part of the game; anything else is a defect. */
async function attempt(work: Promise<unknown>): Promise<void> {
  await work.catch(error => {
    if (!(error instanceof Problem) && !(error instanceof StepLost)) throw error;
  });
}

/** The world as a process sees it that meets with the mishap, if there is one. */
function seenFrom(world: World, one: { mishap: { kind: MishapKind; at: number } | null }): World {
  return one.mishap ? { ...world, ...befallen(world, new Mishap(one.mishap.kind, one.mishap.at)) } : world;
}

async function run(world: World, one: Operation): Promise<unknown> {
  switch (one.type) {
    case "buy": {
      const cart = await fillCart(world, one.lines);
      return buy(seenFrom(world, one), cart.id, { key: cart.id, token: one.token });
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
      return sweep(seenFrom(world, one));
    case "settle":
      return runStockJobs(seenFrom(world, one));
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
  const { sql, log, providers } = seenFrom(world, one).deps;
  const deps = { sql, log, providers };
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

test("no sequence of operations, run in parallel and broken off at any step, breaks stock or money", async () => {
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
