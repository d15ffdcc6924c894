/**
 * Does search find what shoppers mean? Queries of the real catalog with the products that must be among the first three
 * hits: 95 % of them by Meilisearch, 85 % by the fallback. A query that fails is printed.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createSearch } from "./shop-search.ts";
import { learnWords } from "./spelling.ts";
import { meilisearch, openShop, type Product } from "./testing.ts";

/** Query → what of it must stand in the title of a product in the first three. */
const expected: Record<string, [query: string, title: string][]> = {
  "as it is written": [
    ["red lipstick", "Red Lipstick"],
    ["essence mascara", "Essence Mascara Lash Princess"],
    ["carbon steel wok", "Carbon Steel Wok"],
    ["table lamp", "Table Lamp"],
    ["tennis racket", "Tennis Racket"],
    ["wooden rolling pin", "Wooden Rolling Pin"],
    ["family tree photo frame", "Family Tree Photo Frame"],
    ["iphone 13 pro", "iPhone 13 Pro"],
    ["samsung galaxy s8", "Samsung Galaxy S8"],
    ["apple", "Apple"],
    ["dog food", "Dog Food"],
    ["annibale colombo sofa", "Annibale Colombo Sofa"],
    ["rolex datejust", "Rolex Datejust"],
    ["men check shirt", "Men Check Shirt"],
  ],
  "with typing errors": [
    ["mascarra", "Essence Mascara Lash Princess"],
    ["lipstik", "Red Lipstick"],
    ["macbok", "Apple MacBook Pro 14 Inch Space Grey"],
    ["smasung galaxy", "Samsung Galaxy"],
    ["submarinner", "Rolex Submariner Watch"],
    ["kawaski", "Kawasaki Z800"],
    ["strawbery", "Strawberry"],
    ["baskettball", "Basketball"],
    ["handbg", "Handbag"],
    ["vasline", "Vaseline Men Body and Face Lotion"],
    ["eyeshadwo palette", "Eyeshadow Palette with Mirror"],
    ["microvawe oven", "Microwave Oven"],
    ["choping board", "Chopping Board"],
    ["tenis ball", "Tennis Ball"],
  ],
  "as far as it is typed": [
    ["masc", "Essence Mascara Lash Princess"],
    ["red lip", "Red Lipstick"],
    ["mac", "Apple MacBook Pro 14 Inch Space Grey"],
    ["submar", "Rolex Submariner Watch"],
    ["airpo", "Apple Air"],
    ["volley", "Volleyball"],
    ["shuttle", "Feather Shuttlecock"],
    ["motorc", "Motorcycle"],
    ["cucum", "Cucumber"],
    ["zenb", "Asus Zenbook Pro Dual Screen Laptop"],
  ],
  "in the plural or the singular": [
    ["red lipsticks", "Red Lipstick"],
    ["potato", "Potatoes"],
    ["egg", "Egg"],
    ["strawberries", "Strawberry"],
    ["lamps", "Lamp"],
    ["earrings", "Earring"],
    ["knives", "Knife"],
    ["spoons", "Spoon"],
    ["cricket bats", "Cricket Bat"],
    ["women watches", "Watch"],
  ],
  "by brand": [
    ["chanel", "Chanel Coco Noir Eau De"],
    ["gucci", "Gucci Bloom Eau de"],
    ["rolex", "Rolex"],
    ["oppo", "Oppo"],
    ["prada", "Prada Women Bag"],
    ["dodge", "Dodge Hornet GT Plus"],
    ["puma", "Puma Future Rider Trainers"],
    ["chrysler", "Touring"],
    ["lenovo laptop", "Lenovo Yoga 920"],
  ],
  "by what it is": [
    ["perfume gucci", "Gucci Bloom Eau de"],
    ["wireless charger", "Apple Airpower Wireless Charger"],
    ["smart speaker amazon", "Amazon Echo Plus"],
    ["sunglasses black", "Black Sun Glasses"],
    ["office chair", "Knoll Saarinen Executive Conference Chair"],
    ["power bank", "Apple MagSafe Battery Pack"],
    ["hand soap", "Attitude Super Leaves Hand Soap"],
    ["backpack", "White Faux Leather Backpack"],
    ["tablet samsung", "Samsung Galaxy Tab"],
    ["cutlery", "Knife"],
    ["minivan", "Pacifica Touring"],
    ["green earring", "Green"],
  ],
  "as people who are in a hurry write": [
    ["addidas or nike shoes", "Nike"],
    ["calvin kline", "Calvin Klein"],
    ["chanell", "Chanel Coco Noir Eau De"],
    ["dolce gabana", "Dolce Shine Eau de"],
    ["samsng galxy tab", "Samsung Galaxy Tab"],
    ["i phone charger", "Apple iPhone Charger"],
    ["wireles earphons", "Beats Flex Wireless Earphones"],
    ["shttlecock", "Feather Shuttlecock"],
    ["moutain bat metal", "Metal Baseball Bat"],
    ["potatos", "Potatoes"],
    ["cofee", "Nescafe Coffee"],
    ["blendr", "Blender"],
    ["squezer", "Citrus Squeezer Yellow"],
    ["sun glases", "Sun Glasses"],
    ["dress tartn", "Tartan Dress"],
    ["longine", "Longines Master Collection"],
    ["ingeneur", "IWC Ingenieur Automatic Steel"],
    ["huawai matebok", "Huawei Matebook X Pro"],
  ],
  "in another order, with words around it": [
    ["pro 13 iphone", "iPhone 13 Pro"],
    ["watch for women gold", "Watch Gold for Women"],
    ["the red lipstick", "Red Lipstick"],
    ["bag for women by prada", "Prada Women Bag"],
    ["case for iphone 12", "iPhone 12 Silicone Case with MagSafe Plum"],
    ["chair for the office", "Knoll Saarinen Executive Conference Chair"],
    ["mirror for the bathroom", "Wooden Bathroom Sink With Mirror"],
    ["leather backpack white", "White Faux Leather Backpack"],
  ],
  "by number of the model, which is another product": [
    ["galaxy s10", "Samsung Galaxy S10"],
    ["iphone 6", "iPhone 6"],
    ["iphone x", "iPhone X"],
    ["realme xt", "Realme XT"],
    ["oppo k1", "Oppo K1"],
    ["vivo v9", "Vivo V9"],
    ["xps 13", "New DELL XPS 13 9300 Laptop"],
    ["tab s8", "Samsung Galaxy Tab S8 Plus Grey"],
  ],
  "by what it is, where the title does not say it": [
    ["headphones", "Apple AirPods Max Silver"],
    ["smartwatch", "Apple Watch Series 4 Gold"],
    ["sedan", "300 Touring"],
    ["suv", "Durango SXT RWD"],
    ["hatchback", "Dodge Hornet GT Plus"],
    ["badminton", "Feather Shuttlecock"],
    ["juicer", "Citrus Squeezer Yellow"],
    ["seafood", "Fish Steak"],
    ["condiments", "Honey Jar"],
    ["cleats", "Nike Baseball Cleats"],
    ["gabbana", "Dolce Shine Eau de"],
    ["snaptech", "Selfie Stick Monopod"],
  ],
  "as far as it is typed, with an error in it": [
    ["stawb", "Strawberry"],
    ["kawasa", "Kawasaki Z800"],
    ["microwv", "Microwave Oven"],
    ["whitte lea", "White Faux Leather Backpack"],
    ["sportb", "Sportbike Motorcycle"],
    ["gigab", "Gigabyte Aorus Men Tshirt"],
  ],
  "by number": [
    ["BEA-CHI-LIP-004", "Red Lipstick"],
    ["mot-kaw-kaw-114", "Kawasaki Z800"],
  ],
};

const cases = Object.entries(expected).flatMap(([how, pairs]) => pairs.map(pair => [how, ...pair] as const));

type Row = Record<string, string>;

/** The first row of each product; enough for what is searched here. */
async function catalog(): Promise<Product[] | null> {
  const file = Bun.file(join(import.meta.dir, "../../shared/data/catalog.csv"));
  if (!(await file.exists())) return null;
  const rows: Row[] = parse(await file.text(), { columns: true });
  return rows
    .filter(row => row.Title)
    .map(row => ({
      title: row.Title!,
      vendor: row.Vendor!,
      category: row["Product Category"]!,
      tags: row.Tags!.split(",").map(tag => tag.trim()),
      description: row["Body (HTML)"]!,
      sku: row["Variant SKU"]!,
      price: Math.round(Number(row["Variant Price"]) * 100),
    }));
}

const products = await catalog();
const running = await meilisearch();

for (const [name, engine, least] of [
  ["postgres", null, 0.85],
  ["meilisearch", running, 0.95],
] as const) {
  test.skipIf(products === null || (name === "meilisearch" && !engine))(
    `${name} has what is meant in the first three hits of at least ${least * 100} % of ${cases.length} queries`,
    async () => {
      expect(cases.length).toBeGreaterThanOrEqual(120);
      const shop = await openShop(engine);
      try {
        await shop.stock(...products!);
        await learnWords(shop.sql);
        const deps = { sql: shop.sql, engine, log: silentLog, metrics: createMetrics("test") };
        const search = createSearch(deps);
        const missed: string[] = [];
        for (const [how, q, title] of cases) {
          const { items, engine: who } = await search(shop.storeId, { q, limit: 3 });
          expect(who).toBe(name);
          if (items.some(item => item.title.includes(title))) continue;
          missed.push(`${how}: "${q}" → ${items.map(item => item.title).join(", ") || "nothing"}`);
        }
        const share = 1 - missed.length / cases.length;
        if (missed.length > 0)
          console.log(`${name}: ${(100 * share).toFixed(1)} % of ${cases.length}`, missed);
        expect(share).toBeGreaterThanOrEqual(least);
      } finally {
        await shop.close();
      }
    },
    60_000,
  );
}
