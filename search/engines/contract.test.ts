/** What every search engine must do, run against all of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../../platform/ids.ts";
import type { Found, IndexedEngine, SearchEngine, SearchQuery } from "../engine.ts";
import { meilisearch, openShop, type Shop } from "../testing.ts";
import { openPostgresEngine } from "./postgres.ts";

/** Meilisearch syncs every task to disk, which takes seconds on a busy machine. */
const HOOK_MS = 30_000;

const running = await meilisearch();

type Setup = { name: string; indexed: IndexedEngine | null; engine(shop: Shop): SearchEngine };

const setups: Setup[] = [
  { name: "postgres", indexed: null, engine: shop => openPostgresEngine(shop.sql) },
  ...(running ? [{ name: "meilisearch", indexed: running, engine: () => running }] : []),
];

for (const setup of setups) {
  describe(`${setup.name} as a search engine`, () => {
    let shop: Shop;
    let engine: SearchEngine;

    function find(query: Partial<SearchQuery>, storeId = shop.storeId): Promise<Found> {
      return engine.search(storeId, { q: "", limit: 20, offset: 0, facets: [], ...query });
    }
    const titles = async (query: Partial<SearchQuery>) => (await find(query)).items.map(item => item.title);

    describe("with a small shop", () => {
      beforeAll(async () => {
        shop = await openShop(setup.indexed);
        engine = setup.engine(shop);
        await shop.stock(
          { title: "Essence Mascara", vendor: "Essence", category: "beauty", tags: ["lashes"], price: 999 },
          { title: "Red Lipstick", vendor: "Chic Cosmetics", category: "beauty", price: 1_299, available: 0 },
          {
            title: "Leather Belt",
            vendor: "Oak & Hide",
            category: "mens-wear",
            description: "<p>Full grain, with a brass&nbsp;buckle</p>",
            sku: "MEN-OAK-BEL-004",
            barcode: "5784719087687",
            price: 4_500,
          },
          {
            title: "Linen Shirt",
            vendor: 'Quote " and \\ slash',
            category: "mens-wear",
            options: [{ name: "Colour", values: ["Turquoise", "Sand"] }],
            sku: "MEN-QUO-SHI-005",
            price: null,
          },
          { title: "Crème Brûlée Torch", vendor: "Essence", category: "kitchen", price: 2_000 },
        );
      }, HOOK_MS);
      afterAll(() => shop.close());

      test("finds words of title, vendor, category, tags, options and description", async () => {
        expect(await titles({ q: "lipstick" })).toEqual(["Red Lipstick"]);
        expect(await titles({ q: "cosmetics" })).toEqual(["Red Lipstick"]);
        expect((await titles({ q: "kitchen" })).sort()).toEqual(["Crème Brûlée Torch"]);
        expect(await titles({ q: "lashes" })).toEqual(["Essence Mascara"]);
        expect(await titles({ q: "turquoise" })).toEqual(["Linen Shirt"]);
        expect(await titles({ q: "buckle" })).toEqual(["Leather Belt"]);
      });

      test("finds the mascara by mascarra, and by what is typed so far", async () => {
        expect(await titles({ q: "mascarra" })).toEqual(["Essence Mascara"]);
        expect(await titles({ q: "masc" })).toEqual(["Essence Mascara"]);
        expect((await titles({ q: "red lips" }))[0]).toBe("Red Lipstick");
      });

      test("finds words without regard to case and accents", async () => {
        expect(await titles({ q: "creme brulee" })).toEqual(["Crème Brûlée Torch"]);
        expect(await titles({ q: "LIPSTICK" })).toEqual(["Red Lipstick"]);
      });

      test("puts the title's word before the vendor's", async () => {
        expect(await titles({ q: "essence" })).toEqual(["Essence Mascara", "Crème Brûlée Torch"]);
      });

      test("takes SKUs and barcodes to the letter", async () => {
        expect(await titles({ q: "MEN-OAK-BEL-004" })).toEqual(["Leather Belt"]);
        expect(await titles({ q: "men-oak-bel-004" })).toEqual(["Leather Belt"]);
        expect(await titles({ q: "5784719087687" })).toEqual(["Leather Belt"]);
        expect(await titles({ q: "MEN-OAK-BEL-007" })).toEqual([]);
        expect(await titles({ q: "5784719087688" })).toEqual([]);
      });

      test("filters by category, vendor, price and stock", async () => {
        expect((await titles({ category: "beauty" })).sort()).toEqual(["Essence Mascara", "Red Lipstick"]);
        expect(await titles({ category: "cat_kitchen" })).toEqual(["Crème Brûlée Torch"]);
        expect((await titles({ vendor: "essence" })).sort()).toEqual([
          "Crème Brûlée Torch",
          "Essence Mascara",
        ]);
        expect((await titles({ priceMin: 1_299, priceMax: 2_000 })).sort()).toEqual([
          "Crème Brûlée Torch",
          "Red Lipstick",
        ]);
        expect(await titles({ inStock: false })).toEqual(["Red Lipstick"]);
        expect(await titles({ category: "beauty", inStock: true })).toEqual(["Essence Mascara"]);
      });

      test("finds words of languages that are written in other letters, or without space between words", async () => {
        const other = await openShop(setup.indexed);
        try {
          await other.stock(
            { title: "紫砂茶壶" },
            { title: "กาน้ำชาทองแดง" },
            { title: "हाथ से बनी केतली" },
            { title: "Πήλινη κανάτα" },
            { title: "إبريق نحاسي" },
          );
          const asked = setup.engine(other);
          for (const [q, title] of [
            ["茶壶", "紫砂茶壶"],
            ["ทองแดง", "กาน้ำชาทองแดง"],
            ["केतली", "हाथ से बनी केतली"],
            ["πηλινη", "Πήλινη κανάτα"],
            ["نحاسي", "إبريق نحاسي"],
          ] as const) {
            const { items } = await asked.search(other.storeId, { q, limit: 5, offset: 0, facets: [] });
            expect(items.map(item => item.title)).toEqual([title]);
          }
        } finally {
          await other.close();
        }
      }, 30_000);

      test("takes any text as a value, never as an expression", async () => {
        expect(await titles({ vendor: 'Quote " and \\ slash' })).toEqual(["Linen Shirt"]);
        expect(await titles({ vendor: 'x" OR inStock = "true' })).toEqual([]);
        expect(await titles({ category: "' OR true --" })).toEqual([]);
        for (const q of ["' OR 1=1 --", '"', "\\", "a & | !", "(((", "*:*", "%", "🧴", "--", ":*"]) {
          expect((await find({ q })).total).toBeLessThanOrEqual(5);
        }
      });

      test("sorts by price and title, products without a price last", async () => {
        expect(await titles({ sort: "price" })).toEqual([
          "Essence Mascara",
          "Red Lipstick",
          "Crème Brûlée Torch",
          "Leather Belt",
          "Linen Shirt",
        ]);
        expect((await titles({ sort: "-price" }))[0]).toBe("Leather Belt");
        expect((await titles({ sort: "-price" })).at(-1)).toBe("Linen Shirt");
        expect((await titles({ sort: "title" }))[0]).toBe("Crème Brûlée Torch");
      });

      test("counts facets over all hits", async () => {
        const { facets } = await find({
          limit: 1,
          facets: ["category", "vendor", "tag", "inStock", "price"],
        });
        expect(facets.category).toEqual({ beauty: 2, "mens-wear": 2, kitchen: 1 });
        expect(facets.vendor?.Essence).toBe(2);
        expect(facets.tag).toEqual({ lashes: 1 });
        expect(facets.inStock).toEqual({ true: 4, false: 1 });
        expect(facets.price).toEqual({ min: 999, max: 4_500 });
        const none = await find({ q: "nothingatall", facets: ["category", "price"] });
        expect(none.facets).toEqual({ category: {}, price: {} });
      });

      test("counts a facet as if it were not filtered by", async () => {
        const { items, facets, total } = await find({
          category: "beauty",
          priceMax: 1_000,
          facets: ["category", "vendor", "price"],
        });
        expect(items.map(item => item.title)).toEqual(["Essence Mascara"]);
        expect(total).toBe(1);
        // Of what costs up to 1,000, in all categories; of the category, at all prices; the vendor sees both filters.
        expect(facets.category).toEqual({ beauty: 1 });
        expect(facets.price).toEqual({ min: 999, max: 1_299 });
        expect(facets.vendor).toEqual({ Essence: 1 });
        const all = await find({ category: "beauty", facets: ["category"] });
        expect(all.facets.category).toEqual({ beauty: 2, "mens-wear": 2, kitchen: 1 });
      });

      test("filters by options: one of the values of each", async () => {
        expect(await titles({ options: { Colour: ["Turquoise", "Black"] } })).toEqual(["Linen Shirt"]);
        expect(await titles({ options: { Colour: ["turquoise"] } })).toEqual(["Linen Shirt"]);
        expect(await titles({ options: { Colour: ["Black"] } })).toEqual([]);
        expect(await titles({ options: { Colour: ["Sand"], Size: ["M"] } })).toEqual([]);
        expect(await titles({ options: { 'Co"lour\\ = 1 OR inStock': ['x"] OR id EXISTS'] } })).toEqual([]);
      });

      test("counts each option as a facet of its own, without its own filter", async () => {
        const colours = { Turquoise: 1, Sand: 1 };
        expect((await find({ facets: ["option"] })).facets).toEqual({ "option.Colour": colours });
        const chosen = await find({ options: { Colour: ["Sand"] }, facets: ["option", "category"] });
        expect(chosen.facets).toEqual({ "option.Colour": colours, category: { "mens-wear": 1 } });
        const elsewhere = await find({ category: "beauty", facets: ["option"] });
        expect(elsewhere.facets).toEqual({});
      });

      test("leaves out one product, and is content with any of the words where that is asked for", async () => {
        const [belt] = (await find({ q: "leather belt" })).items;
        expect(await titles({ q: "leather belt", exclude: belt!.id })).toEqual([]);
        const some = await titles({ q: "turquoise lipstick kettle", anyWord: true });
        expect(some.toSorted()).toEqual(["Linen Shirt", "Red Lipstick"]);
      });

      test("gives descriptions beside the hits when it is asked for them", async () => {
        const { descriptions } = await find({ q: "belt", describe: true });
        expect(descriptions).toEqual(["Full grain, with a brass buckle"]);
        expect(await find({ q: "belt" })).not.toHaveProperty("descriptions");
      });

      test("shows hits as summaries", async () => {
        const { items, total } = await find({ q: "mascara" });
        expect(total).toBe(1);
        expect(items[0]).toMatchObject({
          title: "Essence Mascara",
          handle: "essence-mascara",
          price: { amountMinor: 999, currency: "EUR" },
          available: 5,
          inStock: true,
        });
        expect(items[0]).not.toHaveProperty("description");
      });
    });

    describe("with a shop of its own", () => {
      beforeEach(async () => {
        shop = await openShop(setup.indexed);
        engine = setup.engine(shop);
      }, HOOK_MS);
      afterEach(() => shop.close());

      test("pages without gaps or repetition, newest first", async () => {
        const ids = Array.from({ length: 25 }, (_, i) =>
          shop.put({ title: `Thing ${i}` }, newId("prod", Date.UTC(2026, 0, 1, 0, 0, i))),
        );
        await shop.index(ids);
        const pages = await Promise.all(
          [0, 10, 20, 30].map(offset => find({ limit: 10, offset, sort: "newest" })),
        );
        expect(pages.flatMap(page => page.items.map(item => item.id))).toEqual(ids.toReversed());
        expect(pages.map(page => page.total)).toEqual([25, 25, 25, 25]);
      });

      test("forgets a product that is gone, and shows its change", async () => {
        const [first, second] = await shop.stock({ title: "Old name" }, { title: "Short-lived" });
        shop.put({ title: "New name" }, first);
        shop.shelf().delete(second!);
        await shop.index([first!, second!]);
        expect(await titles({})).toEqual(["New name"]);
      });

      test("shows a store nothing of another one", async () => {
        const other = newId("store");
        await shop.stock({ title: "Copper kettle" });
        await shop.index([shop.put({ title: "Velvet curtain" }, newId("prod"), other)], { storeId: other });
        expect(await titles({})).toEqual(["Copper kettle"]);
        expect((await find({}, other)).items.map(item => item.title)).toEqual(["Velvet curtain"]);
        expect(await titles({ q: "velvet" })).toEqual([]);
      });
    });
  });
}
