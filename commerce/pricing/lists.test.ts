/** Which price wins, when, for whom; and who hears of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { transaction } from "../../platform/postgres/index.ts";
import { until } from "../../platform/testing/index.ts";
import { codeOf, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { createStore } from "../stores/index.ts";
import {
  announceBoundaries,
  changeEntries,
  changePriceList,
  createPriceList,
  currentPrices,
  deletePriceList,
  enableCurrency,
  forgetPrices,
  getPriceList,
  listEntries,
  listPriceLists,
  type NewList,
  type PriceList,
  resolvePrices,
  setPrices,
} from "./index.ts";

let shop: Shop;
const author = () => ({ storeId: shop.store.id, actor: "key_test" });

beforeAll(async () => {
  shop = await openShop([5, 5, 5]);
  await enableCurrency(shop.sql, author(), shop.store, "USD");
});
afterAll(() => shop.drop());
beforeEach(async () => {
  await shop.sql`DELETE FROM pricing.price_list`;
  await shop.sql`DELETE FROM bus.outbox`;
});

type Quick = Partial<NewList> & { amount?: number; minQuantity?: number; variant?: number };

/** An active sale of variant 0 (base price 1,000) unless said otherwise. */
function list({ amount = 800, minQuantity = 1, variant = 0, ...rest }: Quick = {}): Promise<PriceList> {
  const entries = [{ variantId: shop.variants[variant]!, amountMinor: amount, minQuantity }];
  return createPriceList(shop.sql, author(), { name: "L", type: "sale", status: "active", entries, ...rest });
}

async function priceOf(
  quantity = 1,
  options: { segments?: string[]; at?: string; currency?: string; variant?: number } = {},
): Promise<[number, number | null, string] | null> {
  const { segments = [], at = new Date().toISOString(), currency = "EUR", variant = 0 } = options;
  const items = [{ variantId: shop.variants[variant]!, quantity }];
  const [row] = await shop.sql`
    SELECT * FROM pricing.resolve(${shop.store.id}, ${currency}, ${shop.sql.json(items)}, ${segments},
                                  ${at}::timestamptz)`;
  return row ? [row.amount_minor, row.compare_at_minor, row.source] : null;
}

async function changedProducts(): Promise<string[]> {
  const rows = await shop.sql<{ id: string }[]>`
    SELECT payload ->> 'productId' AS id FROM bus.outbox WHERE kind = 'search.index' ORDER BY 1`;
  return rows.map(row => row.id);
}

describe("precedence", () => {
  test("without a list the base price holds", async () => {
    expect(await priceOf()).toEqual([1_000, null, "base"]);
  });

  test("a sale holds where it is lower, and the base price is what it is compared with", async () => {
    const { id } = await list({ amount: 800 });
    expect(await priceOf()).toEqual([800, 1_000, `sale:${id}`]);
    await list({ amount: 1_100 });
    expect(await priceOf()).toEqual([800, 1_000, `sale:${id}`]);
  });

  test("a sale that is not lower changes nothing", async () => {
    await list({ amount: 1_000 });
    expect(await priceOf()).toEqual([1_000, null, "base"]);
  });

  test("an override holds before a sale and the base price, also where it is higher", async () => {
    await list({ amount: 100 });
    const high = await list({ type: "override", amount: 5_000 });
    expect(await priceOf()).toEqual([5_000, null, `override:${high.id}`]);
    const low = await list({ type: "override", amount: 4_000 });
    expect(await priceOf()).toEqual([4_000, null, `override:${low.id}`]);
  });

  test("of equal amounts the older list gives the price", async () => {
    const first = await list({ amount: 700 });
    await Bun.sleep(2);
    await list({ amount: 700 });
    expect(await priceOf()).toEqual([700, 1_000, `sale:${first.id}`]);
  });

  test("an override sells what has no base price in its currency, a sale does not", async () => {
    await list({ currency: "USD", amount: 100 });
    expect(await priceOf(1, { currency: "USD" })).toBeNull();
    const { id } = await list({ currency: "USD", type: "override", amount: 900 });
    expect(await priceOf(1, { currency: "USD" })).toEqual([900, null, `override:${id}`]);
    expect(await priceOf()).toEqual([1_000, null, "base"]);
  });
});

describe("conditions", () => {
  test("a draft gives no prices", async () => {
    await list({ status: "draft" });
    expect(await priceOf()).toEqual([1_000, null, "base"]);
  });

  test("a window holds from its first moment up to, but without, its last", async () => {
    const { id } = await list({ startsAt: "2030-01-01T00:00:00Z", endsAt: "2030-01-02T00:00:00Z" });
    const at = async (time: string) => (await priceOf(1, { at: time }))![2];
    expect(await at("2029-12-31T23:59:59.999999Z")).toBe("base");
    expect(await at("2030-01-01T00:00:00Z")).toBe(`sale:${id}`);
    expect(await at("2030-01-01T23:59:59.999999Z")).toBe(`sale:${id}`);
    expect(await at("2030-01-02T00:00:00Z")).toBe("base");
  });

  test("the greatest quantity that is reached counts, each list by itself", async () => {
    const entries = [
      { variantId: shop.variants[0]!, amountMinor: 900 },
      { variantId: shop.variants[0]!, amountMinor: 700, minQuantity: 10 },
      { variantId: shop.variants[0]!, amountMinor: 750, minQuantity: 100 },
    ];
    const tiers = await list({ entries });
    const found: [number, number][] = [
      [1, 900],
      [9, 900],
      [10, 700],
      [99, 700],
      [100, 750],
      [9_999, 750],
    ];
    for (const [quantity, amount] of found) {
      expect(await priceOf(quantity)).toEqual([amount, 1_000, `sale:${tiers.id}`]);
    }
    const other = await list({ amount: 720 });
    expect(await priceOf(100)).toEqual([720, 1_000, `sale:${other.id}`]);
  });

  test("a list for segments is for their buyers only", async () => {
    const { id } = await list({ segmentIds: ["seg_vip", "seg_staff"] });
    expect(await priceOf()).toEqual([1_000, null, "base"]);
    expect(await priceOf(1, { segments: ["seg_other"] })).toEqual([1_000, null, "base"]);
    expect(await priceOf(1, { segments: ["seg_x", "seg_vip"] })).toEqual([800, 1_000, `sale:${id}`]);
    const prices = await currentPrices(shop.sql, shop.store.id, "EUR", [shop.variants[0]!]);
    expect(prices.get(shop.variants[0]!)!.source).toBe("base");
  });

  test("what costs what right now is told of all that are asked for, in lists or not", async () => {
    const sale = await list({ variant: 1 });
    await list({ variant: 2, amount: 2_900, status: "draft" });
    const prices = await currentPrices(shop.sql, shop.store.id, "EUR", [...shop.variants, shop.variants[1]!]);
    const told = shop.variants.map(id => [prices.get(id)!.amountMinor, prices.get(id)!.source]);
    expect(told).toEqual([
      [1_000, "base"],
      [800, `sale:${sale.id}`],
      [3_000, "base"],
    ]);
  });

  test("a list gives prices in its currency only", async () => {
    await transaction(shop.sql, tx =>
      setPrices(tx, shop.store.id, "USD", [
        { variantId: shop.variants[1]!, productId: shop.products[1]!, amountMinor: 50, compareAtMinor: 60 },
      ]),
    );
    await list({ variant: 1, amount: 10 });
    expect(await priceOf(1, { variant: 1, currency: "USD" })).toEqual([50, 60, "base"]);
  });
});

describe("the resolver", () => {
  test("answers many items in their order, repeated ones too", async () => {
    const { id } = await list({ minQuantity: 5 });
    const [a, b] = shop.variants as [string, string];
    const items = [b, a, a, b].map((variantId, i) => ({ variantId, quantity: i === 2 ? 5 : 1 }));
    const found = await resolvePrices(shop.sql, shop.store.id, { items });
    expect(found.currency).toBe("EUR");
    expect(found.items.map(one => [one.variantId, one.amountMinor, one.source])).toEqual([
      [b, 2_000, "base"],
      [a, 1_000, "base"],
      [a, 800, `sale:${id}`],
      [b, 2_000, "base"],
    ]);
  });

  test("names variants that this store does not sell, and says null for those without a price", async () => {
    const items = [{ variantId: shop.variants[0]!, quantity: 1 }];
    const other = await createStore(shop.sql, { name: "Other", currency: "EUR" });
    const refused = await resolvePrices(shop.sql, other.id, { items }).catch(error => error);
    expect(refused).toMatchObject({ status: 422, more: { errors: [{ path: "items.0.variantId" }] } });
    expect(await codeOf(resolvePrices(shop.sql, shop.store.id, { items, currency: "GBP" }))).toBe("invalid");
    const { items: found } = await resolvePrices(shop.sql, shop.store.id, { items, currency: "USD" });
    expect(found[0]).toMatchObject({ amountMinor: null, source: null });
  });

  test("gives a store no price of another's lists", async () => {
    const { id } = await list();
    const other = await createStore(shop.sql, { name: "Other", currency: "EUR" });
    expect(await codeOf(getPriceList(shop.sql, other.id, id))).toBe("not_found");
    const theirs = { storeId: other.id, actor: "key_other" };
    expect(await codeOf(changePriceList(shop.sql, theirs, id, "any", { name: "x" }))).toBe("not_found");
    expect(await codeOf(deletePriceList(shop.sql, theirs, id, "any"))).toBe("not_found");
    const entries = [{ variantId: shop.variants[0]!, amountMinor: 1 }];
    const foreign = createPriceList(shop.sql, theirs, { name: "x", type: "override", entries });
    expect(await foreign.catch(error => error.more.errors)).toEqual([
      { path: "entries.0.variantId", message: "is no variant of this store" },
    ]);
  });
});

describe("a change of a list", () => {
  test("emits product.changed for the products whose price it changes, in its transaction", async () => {
    const made = await list();
    expect(await changedProducts()).toEqual([shop.products[0]!]);
    await shop.sql`DELETE FROM bus.outbox`;
    const entries = [{ variantId: shop.variants[1]!, amountMinor: 5 }];
    const after = await changeEntries(shop.sql, author(), made.id, made.version, { entries });
    expect(after).toMatchObject({ version: made.version + 1, entryCount: 2 });
    expect(await changedProducts()).toEqual([shop.products[1]!]);
    await changePriceList(shop.sql, author(), made.id, "any", { name: "New name" });
    expect(await changedProducts()).toHaveLength(1);
    await changePriceList(shop.sql, author(), made.id, "any", { status: "draft" });
    expect(await changedProducts()).toHaveLength(3);
    await shop.sql`DELETE FROM bus.outbox`;
    await changePriceList(shop.sql, author(), made.id, "any", { endsAt: "2040-01-01T00:00:00Z" });
    await deletePriceList(shop.sql, author(), made.id, "any");
    expect(await changedProducts()).toEqual([]);
  });

  test("wants the version that stands, and leaves nothing behind when it is refused", async () => {
    const made = await list();
    await shop.sql`DELETE FROM bus.outbox`;
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        changePriceList(shop.sql, author(), made.id, made.version, { status: "draft", name: `n${i}` }),
      ),
    );
    expect(results.filter(one => one.status === "fulfilled")).toHaveLength(1);
    const stale = results.flatMap(one => (one.status === "rejected" ? [one.reason.code] : []));
    expect(new Set(stale)).toEqual(new Set(["stale"]));
    expect(await changedProducts()).toHaveLength(1);
  });

  test("sets and removes entries, all or none", async () => {
    const made = await list({ minQuantity: 1 });
    const [a, b] = shop.variants as [string, string];
    const bad = changeEntries(shop.sql, author(), made.id, "any", {
      entries: [
        { variantId: b, amountMinor: 1 },
        { variantId: b, amountMinor: 2, minQuantity: 1 },
      ],
      remove: [{ variantId: a }],
    });
    expect(await bad.catch(error => error.more.errors[0].path)).toBe("entries.1");
    expect((await listEntries(shop.sql, shop.store.id, made.id, { limit: 10 })).items).toHaveLength(1);
    await changeEntries(shop.sql, author(), made.id, "any", {
      entries: [1, 5, 10].map(minQuantity => ({ variantId: b, amountMinor: 100 - minQuantity, minQuantity })),
      remove: [{ variantId: a }],
    });
    const first = await listEntries(shop.sql, shop.store.id, made.id, { limit: 2 });
    expect(first.items.map(one => one.minQuantity)).toEqual([1, 5]);
    const next = { limit: 2, cursor: first.nextCursor! };
    expect((await listEntries(shop.sql, shop.store.id, made.id, next)).items).toMatchObject([
      { variantId: b, minQuantity: 10, amountMinor: 90 },
    ]);
    const left = await changeEntries(shop.sql, author(), made.id, "any", {
      remove: [{ variantId: b, minQuantity: 5 }],
    });
    expect(left.entryCount).toBe(2);
    expect(
      (await changeEntries(shop.sql, author(), made.id, "any", { remove: [{ variantId: b }] })).entryCount,
    ).toBe(0);
  });

  test("loses the entries of a variant that is gone for good", async () => {
    const { id } = await list({ variant: 2 });
    await transaction(shop.sql, tx => forgetPrices(tx, shop.store.id, [shop.variants[2]!]));
    expect((await getPriceList(shop.sql, shop.store.id, id)).entryCount).toBe(0);
    expect(await priceOf(1, { variant: 2 })).toBeNull();
  });

  test("is written to the audit log with what it changed", async () => {
    const made = await list();
    await changePriceList(shop.sql, author(), made.id, made.version, { status: "draft" });
    const rows = await shop.sql`
      SELECT action, changes FROM audit.entry WHERE entity_id = ${made.id} ORDER BY id`;
    expect(rows.map(row => row.action)).toEqual(["create", "update"]);
    expect(rows[1]!.changes).toEqual({ status: { before: "active", after: "draft" } });
  });

  test("with a window that ends before it starts, or at no moment at all, is refused", async () => {
    expect(await codeOf(list({ startsAt: "2030-01-02T00:00:00Z", endsAt: "2030-01-02T00:00:00Z" }))).toBe(
      "invalid",
    );
    expect(await codeOf(list({ startsAt: "2030-02-30T00:00:00Z" }))).toBe("invalid");
    expect(await codeOf(list({ endsAt: "2030-01-01T25:00:00Z" }))).toBe("invalid");
    expect(await codeOf(list({ currency: "GBP" }))).toBe("invalid");
  });

  test("pages of lists are newest first", async () => {
    const made: string[] = [];
    for (let i = 0; i < 3; i++) {
      made.unshift((await list()).id);
      await Bun.sleep(2);
    }
    const first = await listPriceLists(shop.sql, shop.store.id, { limit: 2 });
    const second = await listPriceLists(shop.sql, shop.store.id, { limit: 2, cursor: first.nextCursor! });
    expect([...first.items, ...second.items].map(one => one.id)).toEqual(made);
    expect(second.nextCursor).toBeNull();
  });
});

describe("a list that opens or closes by the clock", () => {
  const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
  const boundaries = async () => (await shop.sql`SELECT FROM pricing.boundary`).length;

  test("is announced at its moment, once however many keepers look", async () => {
    await list({ startsAt: soon(150), endsAt: soon(3_600_000) });
    expect(await changedProducts()).toEqual([]);
    expect(await announceBoundaries(shop)).toBe(0);
    let announced = 0;
    await until(
      async () => {
        const counts = await Promise.all([1, 2, 3, 4].map(() => announceBoundaries(shop)));
        announced += counts.reduce((sum, count) => sum + count, 0);
        return announced > 0;
      },
      { what: "the list to open" },
    );
    expect(announced).toBe(1);
    expect(await changedProducts()).toEqual([shop.products[0]!]);
    expect((await priceOf())![0]).toBe(800);
    expect(await boundaries()).toBe(1);
  });

  test("is announced again by the next keeper when the first one died", async () => {
    await list({ endsAt: soon(3_600_000) });
    await shop.sql`DELETE FROM bus.outbox`;
    await shop.sql`UPDATE pricing.boundary SET at = now() - interval '1 second'`;
    const dying = transaction(shop.sql, async tx => {
      await tx`DELETE FROM pricing.boundary`;
      throw new Error("killed");
    });
    await expect(dying).rejects.toThrow("killed");
    expect(await announceBoundaries(shop)).toBe(1);
    expect(await announceBoundaries(shop)).toBe(0);
    expect(await changedProducts()).toEqual([shop.products[0]!]);
  });

  test("has its moments moved and dropped with the list", async () => {
    const { id } = await list({ startsAt: soon(3_600_000), endsAt: soon(7_200_000) });
    expect(await boundaries()).toBe(2);
    await changePriceList(shop.sql, author(), id, "any", { startsAt: null });
    expect(await boundaries()).toBe(1);
    expect(await changedProducts()).toEqual([shop.products[0]!]);
    await changePriceList(shop.sql, author(), id, "any", { status: "draft" });
    expect(await boundaries()).toBe(0);
    await changePriceList(shop.sql, author(), id, "any", { status: "active" });
    await deletePriceList(shop.sql, author(), id, "any");
    expect(await boundaries()).toBe(0);
  });
});
