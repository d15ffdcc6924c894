import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { productList, rebuildNow } from "../storefront/index.ts";

import { csv, type ImportBench, importBench, lamp, row } from "./imports.fixture.ts";
import { getImport, runImport } from "./index.ts";

let bench: ImportBench;

beforeAll(async () => {
  bench = await importBench();
});
afterAll(() => bench.close());

describe("an import", () => {
  test("turns rows into products with variants, prices, stock, categories and pictures", async () => {
    const { run, product } = await bench.setup();
    const result = await run(
      csv(
        row({
          Handle: "shirt",
          Title: "Linen Shirt",
          "Body (HTML)": "<p>Cool,\n and <b>light</b></p><script>x()</script>",
          Vendor: "Weavers",
          "Product Category": "Apparel > Shirts",
          Tags: "summer, linen, summer",
          "Option1 Name": "Size",
          "Option1 Value": "S",
          "Variant SKU": "SH-S",
          "Variant Grams": "200.0",
          "Variant Inventory Qty": 3,
          "Variant Price": "49.95",
          "Variant Compare At Price": "60",
          "Image Src": "https://img.example/1.jpg",
          Status: "active",
        }),
        row({ Handle: "shirt", "Option1 Value": "M", "Variant SKU": "SH-M", "Variant Price": "0.29" }),
        row({ Handle: "shirt", "Image Src": "https://img.example/2.webp" }),
      ),
    );
    expect(result).toMatchObject({
      status: "done",
      rows: 3,
      products: 1,
      variants: 2,
      errors: [],
      created: 1,
    });
    const shirt = await product("shirt");
    expect(shirt).toMatchObject({
      title: "Linen Shirt",
      description: "<p>Cool,\n and <b>light</b></p>",
      tags: ["summer", "linen"],
      categories: [{ handle: "apparel-shirts", title: "Shirts" }],
      options: [{ name: "Size", values: ["S", "M"] }],
      variants: [
        {
          sku: "SH-S",
          title: "S",
          options: { Size: "S" },
          price: { amountMinor: 4995, currency: "EUR", compareAtMinor: 6000, source: "base" },
          available: 3,
        },
        { sku: "SH-M", price: { amountMinor: 29, currency: "EUR", source: "base" }, available: 0 },
      ],
    });
    expect(shirt.images.map(image => image.variants[0]?.url)).toEqual([
      "https://img.example/1.jpg",
      "https://img.example/2.webp",
    ]);
  });

  test("keeps the good rows and names each bad one by row and column", async () => {
    const { run, list } = await bench.setup();
    const result = await run(
      csv(
        lamp(1),
        lamp(2, { "Variant Price": "12,50" }),
        lamp(3, { "Variant Price": "" }),
        lamp(4, { "Variant Inventory Qty": -1 }),
        lamp(5, { Title: "x".repeat(1_000) }),
        lamp(6, { Status: "sold" }),
        lamp(7, { Handle: "" }),
        lamp(8, { "Variant SKU": "LAMP-1" }),
        "only,three,cells",
        lamp(9, { "Image Src": "javascript:alert(1)" }),
        row({ Handle: "nobody", "Variant SKU": "N-1", "Variant Price": "1" }),
        row({ Handle: "lamp-6", "Option1 Value": "x", "Variant Price": "1" }),
        "",
        lamp(10),
      ),
    );
    expect(result.errors.map(({ row, column }) => [row, column])).toEqual([
      [3, "Variant Price"],
      [4, "Variant Price"],
      [5, "Variant Inventory Qty"],
      [6, "Title"],
      [7, "Status"],
      [8, "Handle"],
      [9, "Variant SKU"],
      [10, "Handle"],
      [11, "Image Src"],
      [12, "Title"],
      [13, "Handle"],
    ]);
    expect(result).toMatchObject({ status: "done", rows: 13, products: 3, variants: 3, errorCount: 11 });
    expect((await list()).map(product => product.handle)).toEqual(["lamp-1", "lamp-10", "lamp-9"]);
  });

  test("of the same file twice changes nothing and causes no jobs", async () => {
    const { run, list, jobs } = await bench.setup();
    const html = { "Body (HTML)": "a < b <i>c" };
    const file = csv(...Array.from({ length: 40 }, (_, n) => lamp(n, html)));
    await run(file);
    const before = await list();
    expect(await jobs()).toBe(40);
    const again = await run(file);
    expect(again).toMatchObject({ status: "done", created: 0, updated: 0, unchanged: 40, products: 40 });
    expect(await jobs()).toBe(40);
    expect(await list()).toEqual(before);
    const changed = await run(
      csv(lamp(1, html), lamp(2, { ...html, "Variant Price": "20" }), lamp(3, { ...html, Title: "Lantern" })),
    );
    expect(changed).toMatchObject({ updated: 2, unchanged: 1 });
    expect(await jobs()).toBe(42);
  });

  test("sells without stock what the policy lets continue, and causes no jobs for stock that is there already", async () => {
    const { run, jobs, store } = await bench.setup();
    const policy = (n: number, word: string) => `${lamp(n)},${word}`;
    const file = [...csv().trim().split("\n"), policy(1, "continue"), policy(2, "deny"), policy(3, "")];
    file[0] += ",Variant Inventory Policy";
    await run(`${file.join("\n")}\n`);
    const levels = await bench.sql`
      SELECT backorder FROM inventory.level WHERE store_id = ${store.id} ORDER BY backorder`;
    expect(levels.map(level => level.backorder)).toEqual([false, false, true]);
    const before = await jobs();
    await run(`${file.join("\n")}\n`, "set");
    expect(await jobs()).toBe(before);
    file[1] = policy(1, "deny");
    await run(`${file.join("\n")}\n`, "set");
    expect(await jobs()).toBe(before + 1);
  });

  test("leaves stock that exists alone unless told to set it", async () => {
    const { run, product } = await bench.setup();
    const stock = async () => (await product("lamp-1")).variants[0]?.available;
    await run(csv(lamp(1)));
    await run(csv(lamp(1, { "Variant Inventory Qty": 50 })));
    expect(await stock()).toBe(5);
    await run(csv(lamp(1, { "Variant Inventory Qty": 50 })), "set");
    expect(await stock()).toBe(50);
  });

  test("reads a BOM, CRLF, quotes and line breaks in cells, extra columns, and any case of a header", async () => {
    const { run, product } = await bench.setup();
    const file = `\uFEFFhandle,TITLE,Extra,Variant Price,Vendor\r\n"a-1","Two\r\nlines ""quoted""",x,"5.00","Müller, Söhne"\r\n\r\n`;
    expect(await run(file)).toMatchObject({ status: "done", rows: 1, products: 1, errors: [] });
    expect(await product("a-1")).toMatchObject({ title: 'Two lines "quoted"', vendor: "Müller, Söhne" });
  });

  test("leaves alone what the file has no column for, and drafts out of the shop", async () => {
    const { run, product, list } = await bench.setup();
    await run(csv(lamp(1, { Vendor: "Lux", Tags: "a,b" }), lamp(2)));
    await run("Handle,Title,Variant Price,Published\nlamp-1,Lamp One,5,true\nlamp-2,Lamp Two,5,false\n");
    expect(await product("lamp-1")).toMatchObject({ title: "Lamp One", vendor: "Lux", tags: ["a", "b"] });
    expect((await product("lamp-1")).variants[0]).toMatchObject({
      sku: "LAMP-1",
      price: { amountMinor: 500 },
    });
    expect((await list()).map(one => one.handle)).toEqual(["lamp-1"]);
  });

  test("matches variants by option, and by SKU where an option was renamed", async () => {
    const { run, product } = await bench.setup();
    const shirt = (size: string, sku: string, title = "") =>
      row({
        Handle: "shirt",
        Title: title,
        "Option1 Name": title && "Size",
        "Option1 Value": size,
        "Variant SKU": sku,
        "Variant Price": 10,
      });
    await run(csv(shirt("S", "A", "Shirt"), shirt("M", "B")));
    const before = (await product("shirt")).variants.map(variant => variant.id);
    await run(csv(shirt("Small", "A", "Shirt"), shirt("M", "C"), shirt("L", "D")));
    const after = await product("shirt");
    expect(after.variants.map(variant => [variant.title, variant.sku])).toEqual([
      ["Small", "A"],
      ["M", "C"],
      ["L", "D"],
    ]);
    expect(after.variants.slice(0, 2).map(variant => variant.id)).toEqual(before);
    // Swapped SKUs: the rule of uniqueness holds for the outcome, not for each step.
    await run(csv(shirt("Small", "C", "Shirt"), shirt("M", "A"), shirt("L", "D")));
    expect((await product("shirt")).variants.map(variant => variant.sku)).toEqual(["C", "A", "D"]);
  });

  test("gives stores nothing of one another", async () => {
    const one = await bench.setup();
    const other = await bench.setup();
    await one.run(csv(lamp(1)));
    expect(await other.list()).toEqual([]);
    await other.run(csv(lamp(1, { Title: "Other lamp" })));
    expect((await one.product("lamp-1")).title).toBe("Lamp 1");
    const { id } = await one.upload(csv(lamp(2)));
    expect(await getImport(bench.sql, other.store.id, id)).toBeNull();
    expect(await runImport(other.deps, other.origin, id)).toBe("gone");
  });

  test("of the real catalog gives 194 products, 259 variants and 24 categories", async () => {
    const file = Bun.file(join(import.meta.dir, "../../../shared/data/catalog.csv"));
    if (!(await file.exists())) return console.log("left out: ../shared/data/catalog.csv is not there");
    const { run, store, jobs } = await bench.setup("USD");
    const result = await run(await file.bytes());
    expect(result).toMatchObject({ status: "done", rows: 529, products: 194, variants: 259, errors: [] });
    const [categories] = await bench.sql`SELECT count(*) FROM catalog.category WHERE store_id = ${store.id}`;
    expect(categories!.count).toBe(24);
    expect(await jobs()).toBe(194);
    expect(await run(await file.bytes())).toMatchObject({ unchanged: 194, created: 0, updated: 0 });
    expect(await jobs()).toBe(194);
    await rebuildNow(bench.sql, store.id);
    const cheap = await productList(bench.sql, store.id, { sort: "price", limit: 1 });
    expect(cheap.items[0]?.price?.amountMinor).toBe(79);
  });
});
