/** A shop of any size, for load tests: products with words, categories, prices and stock that differ, the same each time. */
import { emit } from "../../bus/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import { upsertProducts } from "../catalog/index.ts";
import { setPrices } from "../pricing/index.ts";

const CHUNK = 500;

const words = {
  material: [
    "Brass",
    "Oak",
    "Linen",
    "Copper",
    "Wool",
    "Leather",
    "Enamel",
    "Slate",
    "Cork",
    "Walnut",
    "Steel",
    "Silk",
  ],
  thing: [
    "Lantern",
    "Kettle",
    "Compass",
    "Sweater",
    "Satchel",
    "Bowl",
    "Chair",
    "Notebook",
    "Blanket",
    "Clock",
    "Mug",
    "Shelf",
    "Lamp",
    "Basket",
    "Telescope",
    "Apron",
  ],
  manner: ["Small", "Large", "Folding", "Classic", "Modern", "Heavy", "Light", "Striped", "Plain", "Painted"],
  vendor: [
    "Harbour & Sons",
    "Northlight",
    "Tidewater",
    "Old Quay",
    "Fjord Works",
    "Saltmarsh",
    "Keel",
    "Bluebell",
  ],
  group: ["kitchen", "bedroom", "travel", "garden", "study", "bathroom", "workshop", "nursery"],
} as const;

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]!;

function inputOf(n: number) {
  const [material, thing, manner] = [
    pick(words.material, n),
    pick(words.thing, Math.floor(n / 12)),
    pick(words.manner, Math.floor(n / 192)),
  ];
  const group = pick(words.group, n * 7 + Math.floor(n / 8));
  return {
    ref: n,
    handle: `seed-${n}`,
    title: `${manner} ${material} ${thing} ${n}`,
    description: `<p>A ${manner.toLowerCase()} ${thing.toLowerCase()} of ${material.toLowerCase()}, made for the ${group} and kept for years. No. ${n}.</p>`,
    vendor: pick(words.vendor, n * 3),
    type: thing,
    status: "active" as const,
    tags: [material.toLowerCase(), pick(["new", "gift", "sale", "classic"], n)],
    categories: [{ handle: group, title: group[0]!.toUpperCase() + group.slice(1) }],
    optionNames: ["Size"],
    variants: ["S", "L"].map((size, i) => ({
      ref: n * 2 + i,
      optionValues: [size],
      sku: `SEED-${n}-${size}`,
    })),
  };
}

/**
 * Adds products `from`, `from` + 1, … to a store, or brings those that are there to this state; `onProducts` hears how many are
 * done. `announce`: lists and search hear of them (default).
 */
export async function seedProducts(
  sql: Db,
  shop: { id: string; currency: string },
  count: number,
  options: { onProducts?: (done: number) => void; announce?: boolean } = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += CHUNK) {
    const inputs = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => inputOf(from + i));
    ids.push(...(await seedChunk(sql, shop, inputs, options.announce ?? true)));
    options.onProducts?.(from + inputs.length);
  }
  return ids;
}

function seedChunk(
  sql: Db,
  shop: { id: string; currency: string },
  inputs: readonly ReturnType<typeof inputOf>[],
  announce: boolean,
): Promise<string[]> {
  return transaction(sql, async tx => {
    const { variants } = await upsertProducts(tx, shop.id, [...inputs]);
    const priced = variants.map(one => ({
      ...one,
      amountMinor: 500 + ((one.ref * 7_919) % 20_000),
      compareAtMinor: null,
    }));
    await setPrices(tx, shop.id, shop.currency, priced);
    const levels = variants.map(one => ({ ...one, onHand: one.ref % 10 === 0 ? 0 : 10 + (one.ref % 90) }));
    await tx`SELECT inventory.set_initial(${shop.id}, ${tx.json(levels as never)}, 'new', 'seed')`;
    const productIds = [...new Set(variants.map(one => one.productId))];
    if (announce) {
      const events = productIds.map(productId => ({ type: "product.changed" as const, productId }));
      await emit(tx, { storeId: shop.id }, ...events);
    }
    return productIds;
  });
}
