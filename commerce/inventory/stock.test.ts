/** Locations, transfers, returns, settings of levels, low stock, the ledger. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../platform/ids.ts";
import { until } from "../../platform/testing/index.ts";
import { codeOf, openShop, type Shop } from "../checkout/shop.fixture.ts";
import {
  adjustStock,
  changeLevels,
  changeLocation,
  createLocation,
  createTransfer,
  deleteLocation,
  ensureLedgerPartitions,
  getTransfer,
  listAdjustments,
  listLevels,
  listLocations,
  moveTransfer,
  sweepLowStock,
} from "./index.ts";

let shop: Shop;
let variant: string;
let author: { storeId: string; actor: string };
let main: string;
beforeAll(async () => {
  shop = await openShop([100, 20, 30, 40]);
  variant = shop.variants[0]!;
  author = { storeId: shop.store.id, actor: "key_test" };
  main = (await listLocations(shop.sql, shop.store.id, { limit: 5 })).items[0]!.id;
});
afterAll(() => shop.drop());

async function level(locationId: string, variantId = variant) {
  const { items } = await listLevels(shop.sql, author.storeId, { limit: 1, locationId, variantId });
  const one = items[0];
  return one ? [one.onHand, one.reserved, one.incoming] : null;
}

const adjust = (delta: number, more: object = {}) =>
  adjustStock(shop.sql, {
    storeId: author.storeId,
    variantId: variant,
    delta,
    reason: "count",
    author: "key_test",
    key: newId("adj"),
    ...more,
  });

async function sell(quantity: number): Promise<string> {
  const id = newId("res");
  const lines = shop.sql.json([{ variantId: variant, quantity }]);
  await shop.sql`SELECT * FROM inventory.claim(${author.storeId}, ${id}, ${lines}, now() + interval '1 hour')`;
  await shop.sql`SELECT inventory.confirm(${author.storeId}, ${id})`;
  return id;
}

async function restore(reservation: string, quantity: number | null): Promise<number> {
  const lines = quantity === null ? null : shop.sql.json([{ variantId: variant, quantity }]);
  const [row] = await shop.sql`
    SELECT inventory.restore(${author.storeId}, ${reservation}, ${lines}, 'refund', 'test') AS units`;
  return row!.units;
}

/** Levels whose ledger, reservations or transfers disagree with them. */
const disagreements = () => shop.sql`
  SELECT l.variant_id FROM inventory.level l
  WHERE l.on_hand <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a
                      WHERE a.variant_id = l.variant_id AND a.location_id = l.location_id)
     OR l.incoming <> (SELECT coalesce(sum(i.quantity), 0) FROM inventory.transfer_line i
                       JOIN inventory.transfer f ON f.id = i.transfer_id
                       WHERE f.status = 'in_transit' AND f.to_location = l.location_id AND i.variant_id = l.variant_id)`;

describe("a location", () => {
  test("is the default one alone: the next default takes over, and the old one keeps its stock", async () => {
    const second = await createLocation(shop.sql, author, { name: "Second" });
    expect(second).toMatchObject({ isDefault: false, active: true, version: 1 });
    const made = await changeLocation(shop.sql, author, second.id, 1, { isDefault: true });
    expect(made).toMatchObject({ isDefault: true, version: 2 });
    const { items } = await listLocations(shop.sql, author.storeId, { limit: 10 });
    expect(items.filter(one => one.isDefault).map(one => one.id)).toEqual([second.id]);
    expect(await codeOf(changeLocation(shop.sql, author, second.id, 1, { name: "x" }))).toBe("stale");
    expect(await codeOf(changeLocation(shop.sql, author, second.id, "any", { active: false }))).toBe(
      "invalid",
    );
    await changeLocation(shop.sql, author, main, "any", { isDefault: true });
    await deleteLocation(shop.sql, author, second.id, "any");
  });

  test("with stock or an open transfer stays on; switched off it takes nothing", async () => {
    const depot = await createLocation(shop.sql, author, { name: "Depot" });
    const off = () => changeLocation(shop.sql, author, depot.id, "any", { active: false });
    await adjust(3, { locationId: depot.id });
    expect(await codeOf(off())).toBe("location_in_use");
    const { id } = await createTransfer(shop.sql, author, {
      fromLocationId: depot.id,
      toLocationId: main,
      lines: [{ variantId: variant, quantity: 3 }],
    });
    await moveTransfer(shop.sql, author, id, "in_transit");
    expect(await codeOf(off())).toBe("location_in_use");
    await moveTransfer(shop.sql, author, id, "received");
    expect(await off()).toMatchObject({ active: false });
    expect(await codeOf(adjust(3, { locationId: depot.id }))).toBe("location_inactive");
    expect(await codeOf(deleteLocation(shop.sql, author, depot.id, "any"))).toBe("location_in_use");
    expect(await disagreements()).toHaveLength(0);
  });

  test("of another store does not exist", async () => {
    const other = { ...author, storeId: "store_other" };
    expect(await codeOf(changeLocation(shop.sql, other, main, "any", { name: "x" }))).toBe("not_found");
    expect(await codeOf(deleteLocation(shop.sql, other, main, "any"))).toBe("not_found");
  });
});

describe("a transfer", () => {
  const draft = async (quantity: number) => {
    const target = await createLocation(shop.sql, author, { name: "Target" });
    const transfer = await createTransfer(shop.sql, author, {
      fromLocationId: main,
      toLocationId: target.id,
      lines: [{ variantId: variant, quantity }],
    });
    return { id: transfer.id, target: target.id };
  };

  test("moves its units once, however many ask for a step at the same time", async () => {
    const [[before]] = [(await level(main))!];
    const { id, target } = await draft(5);
    await Promise.all(Array.from({ length: 6 }, () => moveTransfer(shop.sql, author, id, "in_transit")));
    expect(await level(main)).toEqual([before! - 5, 0, 0]);
    expect(await level(target)).toEqual([0, 0, 5]);
    const ends = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        moveTransfer(shop.sql, author, id, i % 2 === 0 ? "received" : "cancelled"),
      ),
    );
    expect(ends.filter(one => one.status === "fulfilled")).toHaveLength(3);
    const { status } = await getTransfer(shop.sql, author.storeId, id);
    expect([(await level(main))![0], await level(target)]).toEqual(
      status === "received" ? [before! - 5, [5, 0, 0]] : [before!, [0, 0, 0]],
    );
    expect(await disagreements()).toHaveLength(0);
  });

  test("takes no unit that is promised, and changes nothing then", async () => {
    const [[onHand]] = [(await level(main))!];
    const reservation = await sell(onHand! - 1);
    const { id } = await draft(2);
    expect(await codeOf(moveTransfer(shop.sql, author, id, "in_transit"))).toBe("insufficient_stock");
    expect((await level(main))![0]).toBe(onHand!);
    expect((await getTransfer(shop.sql, author.storeId, id)).status).toBe("draft");
    await restore(reservation, null);
    expect(await codeOf(moveTransfer(shop.sql, author, id, "received"))).toBe("transfer_state");
    await moveTransfer(shop.sql, author, id, "cancelled");
  });
});

describe("units that come back", () => {
  test("come back once each, before and after their sale was committed", async () => {
    const [[onHand]] = [(await level(main))!];
    const reservation = await sell(4);
    const back = await Promise.all([
      restore(reservation, 3),
      restore(reservation, 3),
      restore(reservation, 3),
    ]);
    expect(back.toSorted()).toEqual([0, 1, 3]);
    expect(await restore(reservation, null)).toBe(0);
    expect(await level(main)).toEqual([onHand!, 0, 0]);
    expect(await disagreements()).toHaveLength(0);
  });

  test("come back to the default location when theirs was switched off", async () => {
    variant = shop.variants[2]!;
    const depot = await createLocation(shop.sql, author, { name: "Closing" });
    const [[onHand]] = [(await level(main))!];
    await adjust(2, { locationId: depot.id });
    const reservation = await sell(onHand! + 2);
    await shop.sql`SELECT inventory.commit(${author.storeId}, ${reservation})`;
    await changeLocation(shop.sql, author, depot.id, "any", { active: false });
    expect(await restore(reservation, null)).toBe(onHand! + 2);
    expect(await level(main)).toEqual([onHand! + 2, 0, 0]);
    expect(await level(depot.id)).toEqual([0, 0, 0]);
  });
});

describe("an adjustment", () => {
  test("happens once a key, also when it is asked of two levels at once; what was refused leaves its key free", async () => {
    const key = newId("adj");
    const variants = [shop.variants[2]!, shop.variants[3]!];
    const sum = async () => {
      const levels = await Promise.all(variants.map(one => level(main, one)));
      return levels.reduce((units, one) => units + one![0]!, 0);
    };
    const before = await sum();
    await Promise.all([...variants, ...variants].map(variantId => adjust(1, { key, variantId })));
    expect(await sum()).toBe(before + 1);
    const refused = { key: newId("adj"), variantId: variants[0]! };
    expect(await codeOf(adjust(-1_000_000, refused))).toBe("insufficient_stock");
    await adjust(2, refused);
    expect(await sum()).toBe(before + 3);
  });
});

describe("a level", () => {
  test("that crosses its threshold is announced once a crossing, whoever took the units", async () => {
    const low = shop.variants[1]!;
    await changeLevels(shop.sql, author, low, { lowThreshold: 5 });
    const take = (delta: number) => adjust(delta, { variantId: low });
    const notices = async () => {
      await Promise.all([sweepLowStock(shop), sweepLowStock(shop)]);
      const rows = await shop.sql`
        SELECT 1 FROM bus.outbox WHERE kind = 'email.send' AND payload ->> 'template' = 'low_stock'`;
      return rows.length;
    };
    await take(-14);
    expect(await notices()).toBe(0);
    await take(-1);
    await take(-1);
    expect(await notices()).toBe(1);
    const listed = await listLevels(shop.sql, author.storeId, { limit: 5, low: true });
    expect(listed.items).toMatchObject([{ variantId: low, available: 4, low: true, sku: "SKU-1" }]);
    await take(10);
    await take(-10);
    expect(await notices()).toBe(2);
    await changeLevels(shop.sql, author, low, { lowThreshold: null });
    expect((await listLevels(shop.sql, author.storeId, { limit: 5, low: true })).items).toEqual([]);
  });

  test("a level that comes while the settings of the others change is left alone", async () => {
    const variantId = shop.variants[2]!;
    const newcomer = await createLocation(shop.sql, author, { name: "Newcomer" });
    const levels = async () => (await listLevels(shop.sql, author.storeId, { limit: 9, variantId })).items;
    const before = await levels();
    const changed = Promise.withResolvers<Awaited<ReturnType<typeof changeLevels>>>();
    await shop.sql.begin(async tx => {
      await tx`SELECT 1 FROM inventory.level WHERE variant_id = ${variantId} FOR UPDATE`;
      changed.resolve(changeLevels(shop.sql, author, variantId, { lowThreshold: 7 }));
      const isHeldUp = async () => {
        const rows = await shop.sql`
          SELECT 1 FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'`;
        return rows.length > 0;
      };
      await until(isHeldUp, { what: "the change waits for the level" });
      await tx`
        INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
        SELECT store_id, variant_id, ${newcomer.id}, product_id FROM inventory.level
        WHERE variant_id = ${variantId} LIMIT 1`;
    });
    const after = await changed.promise;
    expect(after.map(one => one.locationId)).toEqual(before.map(one => one.locationId));
    const thresholds = new Map((await levels()).map(one => [one.locationId, one.lowThreshold]));
    expect(thresholds.get(newcomer.id)).toBeNull();
    for (const { locationId } of before) expect(thresholds.get(locationId)).toBe(7);
  });

  test("keeps its backorders while more is promised than there is", async () => {
    variant = shop.variants[3]!;
    await changeLevels(shop.sql, author, variant, { backorder: true });
    const [[onHand]] = [(await level(main))!];
    const reservation = await sell(onHand! + 5);
    const off = () => changeLevels(shop.sql, author, variant, { backorder: false });
    expect(await codeOf(off())).toBe("backorder_in_use");
    await shop.sql`SELECT inventory.commit(${author.storeId}, ${reservation})`;
    expect(await codeOf(off())).toBe("backorder_in_use");
    expect(await codeOf(adjust(-1))).toBe("insufficient_stock");
    await adjust(5);
    expect((await off())[0]).toMatchObject({ backorder: false, onHand: 0 });
    await adjust(50);
  });
});

test("pages of levels and of the ledger miss nothing; months get partitions that take the rows in", async () => {
  const walk = async (next: (cursor?: string) => Promise<{ items: object[]; nextCursor: string | null }>) => {
    const seen: object[] = [];
    for (let cursor: string | undefined; ; ) {
      const { items, nextCursor } = await next(cursor);
      seen.push(...items);
      if (nextCursor === null) return seen;
      cursor = nextCursor;
    }
  };
  const levels = await walk(cursor => listLevels(shop.sql, author.storeId, { limit: 2, cursor }));
  const [rows] = await shop.sql`SELECT count(*) AS levels FROM inventory.level`;
  expect(levels).toHaveLength(rows!.levels);
  await ensureLedgerPartitions(shop.sql, new Date());
  const [late] = await shop.sql`SELECT count(*) AS rows FROM inventory.adjustment_default`;
  expect(late!.rows).toBe(0);
  await adjust(1);
  const ledger = await walk(cursor => listAdjustments(shop.sql, author.storeId, { limit: 7, cursor }));
  const [all] = await shop.sql`SELECT count(*) AS rows FROM inventory.adjustment`;
  expect(ledger).toHaveLength(all!.rows);
  expect(ledger[0]).toMatchObject({ delta: 1, reason: "count", author: "key_test" });
});
