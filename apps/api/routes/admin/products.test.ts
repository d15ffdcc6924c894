import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { attachMedia } from "../../../../commerce/catalog/index.ts";
import { settle } from "../../../../commerce/storefront/storefront.fixture.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { newId } from "../../../../platform/ids.ts";
import { LOOKUP_SLACK } from "../../../../platform/testing/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

type Variant = {
  id: string;
  sku: string | null;
  title: string;
  options: Record<string, string>;
  prices: object[];
  price: { amountMinor: number } | null;
};
type Product = {
  id: string;
  handle: string;
  title: string;
  version: number;
  status: string;
  options: { name: string; values: string[] }[];
  images: { assetId: string }[];
  variants: Variant[];
};
type Problem = { code: string; errors: { path: string; message: string }[] };

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const send = (method: string, path: string, json?: unknown, headers: Record<string, string> = {}) =>
  api.request(method, `/admin/products${path}`, {
    key: api.keys.secret,
    headers,
    ...(json === undefined ? {} : { json }),
  });
const bodyOf = async <T>(answer: Response) => (await answer.json()) as T;
async function make(json: object): Promise<Product & { etag: string }> {
  const answer = await send("POST", "", json);
  expect(answer.status).toBe(201);
  return { ...(await bodyOf<Product>(answer)), etag: answer.headers.get("etag")! };
}
const patch = (product: { id: string; etag: string }, json: object) =>
  send("PATCH", `/${product.id}`, json, { "if-match": product.etag });
async function faults(answer: Response): Promise<string[]> {
  expect(answer.status).toBe(422);
  return (await bodyOf<Problem>(answer)).errors.map(error => error.path);
}

const shirt = (more: object = {}) => ({
  title: "Shirt",
  status: "active",
  options: [{ name: "Size", values: ["S", "M"] }],
  variants: [
    { sku: `S-${newId("x")}`, options: { Size: "S" }, price: { amountMinor: 1_900 } },
    { options: { Size: "M" }, prices: [{ currency: "USD", amountMinor: 2_100, compareAtMinor: 2_500 }] },
  ],
  ...more,
});

describe("POST /admin/products", () => {
  test("adds a product with variants, options and prices, and tells who follows it", async () => {
    const made = await make(shirt({ tags: ["New", "new", "Cotton"] }));
    expect(made).toMatchObject({
      title: "Shirt",
      status: "active",
      version: 1,
      tags: ["New", "Cotton"],
      options: [{ name: "Size", values: ["S", "M"] }],
    });
    expect(made.variants.map(one => [one.title, one.options, one.prices])).toEqual([
      ["S", { Size: "S" }, [{ currency: "EUR", amountMinor: 1_900, compareAtMinor: null }]],
      ["M", { Size: "M" }, [{ currency: "USD", amountMinor: 2_100, compareAtMinor: 2_500 }]],
    ]);
    const jobs = await api.sql`SELECT kind FROM bus.outbox WHERE key = ${`product:${made.id}`} ORDER BY kind`;
    expect(jobs.map(job => job.kind)).toEqual(["catalog.summarise", "search.index"]);
  });

  test("makes handles of titles, each once, and one variant where there are no options", async () => {
    const made = [
      await make({ title: "Café au lait" }),
      await make({ title: "Cafe Au Lait!" }),
      await make({ title: "…" }),
    ];
    expect(made.map(one => one.handle)).toEqual(["cafe-au-lait", "cafe-au-lait-2", "product"]);
    expect(made[0]!.variants).toHaveLength(1);
    expect(made[0]!.variants[0]!.title).toBe("Café au lait");
    expect(made[0]!.status).toBe("draft");
  });

  test("keeps text composed and harmless", async () => {
    const made = await make({ title: "  Cafe\u0301 ", description: "<p onclick=x>Hi</p><script>1</script>" });
    expect(made.title).toBe("Caf\u00e9");
    expect((made as unknown as { description: string }).description).toBe("<p>Hi</p>");
  });

  test("names every fault by its path, and writes nothing", async () => {
    await make({ title: "Taken", handle: "taken", variants: [{ sku: "TAKEN" }] });
    const count = async () => (await api.sql`SELECT count(*) AS n FROM catalog.product`)[0]!.n;
    const before = await count();
    const option = { options: [{ name: "Size", values: ["S"] }] };
    const cases: [object, string[]][] = [
      [{}, ["title"]],
      [{ title: " " }, ["title"]],
      [{ title: 7 }, ["title"]],
      [{ title: "x", wat: 1 }, ["wat"]],
      [{ title: "x".repeat(256) }, ["title"]],
      [{ title: "a\u0000b" }, ["title"]],
      [{ title: "a\u202eb" }, ["title"]],
      [{ title: "x", handle: "Not A Handle" }, ["handle"]],
      [{ title: "x", handle: "taken" }, ["handle"]],
      [{ title: "x", status: "sold" }, ["status"]],
      [{ title: "x", tags: ["a", ""] }, ["tags.1"]],
      [{ title: "x", categories: ["nowhere"] }, ["categories.0"]],
      [{ title: "x", variants: [] }, ["variants"]],
      [{ title: "x", variants: [{ sku: "TAKEN" }] }, ["variants.0.sku"]],
      [{ title: "x", variants: [{ grams: -1 }] }, ["variants.0.grams"]],
      [{ title: "x", variants: [{ grams: "5" }] }, ["variants.0.grams"]],
      [{ title: "x", variants: [{ price: { amountMinor: -1 } }] }, ["variants.0.price.amountMinor"]],
      [{ title: "x", variants: [{ price: { amountMinor: 1.5 } }] }, ["variants.0.price.amountMinor"]],
      [{ title: "x", variants: [{ price: { amountMinor: 1e300 } }] }, ["variants.0.price.amountMinor"]],
      [
        { title: "x", variants: [{ price: { amountMinor: 1, currency: "eur" } }] },
        ["variants.0.price.currency"],
      ],
      [{ title: "x", variants: [{ options: { Size: "S" } }] }, ["variants.0.options.Size"]],
      [{ title: "x", ...option }, ["variants"]],
      [{ title: "x", ...option, variants: [{}] }, ["variants.0.options.Size"]],
      [{ title: "x", ...option, variants: [{ options: { Size: "XL" } }] }, ["variants.0.options.Size"]],
      [
        { title: "x", ...option, variants: [{ options: { Size: "S" } }, { options: { Size: "S" } }] },
        ["variants.1.options"],
      ],
      [
        { title: "x", options: [{ name: "A" }, { name: "a" }], variants: [{}] },
        ["options.1.name", "variants.0.options.A", "variants.0.options.a"],
      ],
      [
        { title: "x", variants: [{ sku: "TWICE" }, { sku: "TWICE" }] },
        ["variants.1.options", "variants.1.sku"],
      ],
      [{ title: "x", images: [{}] }, ["images.0"]],
      [{ title: "x", images: [{ assetId: "asset_unknown0" }] }, ["images.0.assetId"]],
      [{ title: "x", images: [{ src: "javascript:alert(1)" }] }, ["images.0.src"]],
    ];
    for (const [json, paths] of cases) {
      expect([json, await faults(await send("POST", "", json))]).toEqual([json, paths]);
    }
    const raw = (body: string) =>
      api.request("POST", "/admin/products", {
        key: api.keys.secret,
        body,
        headers: { "content-type": "application/json" },
      });
    expect((await raw('{"title": "x", "variants": [{"grams": NaN}]}')).status).toBe(400);
    expect((await raw('{"title": "\\ud800 lone"}')).status).toBe(201);
    expect((await raw("[]")).status).toBe(422);
    expect((await raw("null")).status).toBe(422);
    expect((await raw(`{"title": "${"x".repeat(1_100_000)}"}`)).status).toBe(413);
    expect(await count()).toBe(before + 1);
  });
});

describe("PATCH /admin/products/:id", () => {
  test("wants the version that was read", async () => {
    const made = await make(shirt());
    expect((await send("PATCH", `/${made.id}`, { title: "New" })).status).toBe(428);
    const stale = await send("PATCH", `/${made.id}`, { title: "New" }, { "if-match": '"9"' });
    expect(stale.status).toBe(412);
    expect(await bodyOf<Problem>(stale)).toMatchObject({ code: "stale", version: 1 } as never);
    const answer = await patch(made, { title: "New" });
    expect(answer.status).toBe(200);
    expect(await bodyOf<Product>(answer)).toMatchObject({
      title: "New",
      version: 2,
      handle: made.handle,
    } as never);
    expect((await patch(made, { title: "Newer" })).status).toBe(412);
    expect(
      (await patch({ id: made.id, etag: answer.headers.get("etag")! }, { title: "Newest" })).status,
    ).toBe(200);
  });

  test("of two with the same version one wins", async () => {
    const made = await make(shirt());
    const answers = await Promise.all([1, 2, 3, 4].map(n => patch(made, { title: `Try ${n}` })));
    expect(answers.map(answer => answer.status).sort()).toEqual([200, 412, 412, 412]);
  });

  test("of two that want one handle or SKU one wins", async () => {
    const names = [1, 2, 3].map(n => ({ title: `Race ${n}`, handle: "race", variants: [{ sku: "RACE" }] }));
    const answers = await Promise.all(names.map(json => send("POST", "", json)));
    expect(answers.map(answer => answer.status).sort()).toEqual([201, 422, 422]);
  });

  test("takes variants as the whole list: by id, by option values, new ones, and those that go", async () => {
    const made = await make(shirt());
    const [small, medium] = made.variants as [Variant, Variant];
    const answer = await patch(made, {
      options: [{ name: "Größe" }],
      variants: [
        { id: medium.id, sku: small.sku, options: { Größe: "Medium" } },
        { options: { Größe: "L" }, grams: 300, price: { amountMinor: 2_000 } },
      ],
    });
    const changed = await bodyOf<Product>(answer);
    expect(changed.options).toEqual([{ name: "Größe", values: ["Medium", "L"] }]);
    expect(changed.variants.map(one => one.id === medium.id)).toEqual([true, false]);
    expect(changed.variants[0]).toMatchObject({ sku: small.sku, title: "Medium" });
    expect(changed.variants[0]!.prices).toHaveLength(1);
    const etag = answer.headers.get("etag")!;
    const again = await bodyOf<Product>(
      await patch({ id: made.id, etag }, { variants: [{ options: { Größe: "L" }, sku: "L" }] }),
    );
    expect(again.variants.map(one => [one.id, one.sku])).toEqual([[changed.variants[1]!.id, "L"]]);
  });

  test("names what can't be, by path", async () => {
    const made = await make(shirt());
    const other = await make(shirt());
    const cases: [object, string[]][] = [
      [{ options: [] }, ["variants"]],
      [{ variants: [{ id: other.variants[0]!.id, options: { Size: "S" } }] }, ["variants.0.id"]],
      [{ variants: [{ options: { Size: "S" }, sku: other.variants[0]!.sku }] }, ["variants.0.sku"]],
      [{ options: [{ name: "Size", values: ["S"] }] }, ["variants.1.options.Size"]],
      [{ title: null }, ["title"]],
      [{}, ["body"]],
    ];
    for (const [json, paths] of cases) {
      expect([json, await faults(await patch(made, json))]).toEqual([json, paths]);
    }
  });

  test("arranges pictures, takes some off, and media's later news leave that alone", async () => {
    const made = await make(shirt());
    const assets = [newId("asset"), newId("asset"), newId("asset")];
    const news = (assetId: string, position: number) =>
      api.sql.begin(tx =>
        attachMedia(
          tx as never,
          { storeId: api.store.id },
          { assetId, productId: made.id, position, alt: "", placeholder: null, variants: [] },
        ),
      );
    for (const [index, asset] of assets.entries()) await news(asset, index);
    const [a, b, c] = assets as [string, string, string];
    const read = async () => {
      const answer = await send("GET", `/${made.id}`);
      return { etag: answer.headers.get("etag")!, ...(await bodyOf<Product>(answer)) };
    };
    const before = await read();
    expect(before.images.map(image => image.assetId)).toEqual([a, b, c]);
    expect((await patch(before, { images: [{ assetId: c, alt: "Front" }, { assetId: a }] })).status).toBe(
      200,
    );
    await news(a, 0);
    await news(b, 1);
    const after = await read();
    expect(after.images).toMatchObject([{ assetId: c, alt: "Front" }, { assetId: a }]);
    expect(after.images).toHaveLength(2);
  });

  test("another store's, unknown and malformed ids are not found", async () => {
    const made = await make(shirt());
    const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: other.id, name: "other" });
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const options = {
        key,
        headers: { "if-match": "*" },
        ...(method === "PATCH" ? { json: { title: "x" } } : {}),
      };
      for (const id of [made.id, "prod_unknown00", "x", "%00"]) {
        const { status } = await api.request(method, `/admin/products/${id}`, options);
        expect([method, id, status]).toEqual([method, id, id === "%00" ? 422 : 404]);
      }
    }
  });
});

describe("DELETE /admin/products/:id", () => {
  test("removes what was never sold, by version", async () => {
    const made = await make(shirt());
    expect((await send("DELETE", `/${made.id}`)).status).toBe(428);
    expect((await send("DELETE", `/${made.id}`, undefined, { "if-match": '"7"' })).status).toBe(412);
    expect((await send("DELETE", `/${made.id}`, undefined, { "if-match": made.etag })).status).toBe(204);
    expect((await send("GET", `/${made.id}`)).status).toBe(404);
  });

  test("leaves no stock behind, of a product or of a variant", async () => {
    const made = await make(shirt());
    const levels = () =>
      api.sql`SELECT variant_id FROM inventory.level WHERE product_id = ${made.id} ORDER BY variant_id`;
    for (const { id } of made.variants) {
      const json = { variantId: id, delta: 5, reason: "received" };
      expect(
        (await api.request("POST", "/admin/inventory/adjustments", { key: api.keys.secret, json })).status,
      ).toBe(200);
    }
    expect(await levels()).toHaveLength(made.variants.length);
    expect((await send("DELETE", `/${made.id}`, undefined, { "if-match": "*" })).status).toBe(204);
    expect(await levels()).toHaveLength(0);
  });

  test("archives what was sold", async () => {
    const made = await make(shirt());
    await api.sql`
      INSERT INTO inventory.adjustment (store_id, key, variant_id, location_id, delta, reason, author)
      VALUES (${api.store.id}, 'sale:x', ${made.variants[1]!.id}, 'loc', -1, 'sale', 'checkout')`;
    const answer = await send("DELETE", `/${made.id}`, undefined, { "if-match": made.etag });
    expect(answer.status).toBe(200);
    expect(await bodyOf<Product>(answer)).toMatchObject({ status: "archived", version: 2 } as never);
  });
});

describe("the list", () => {
  test("pages through all, filters by status and words, and asks Postgres as often for many as for few", async () => {
    const store = await createStore(api.sql, { name: "List", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: store.id, name: "list" });
    const request = (method: string, path: string, json?: object) =>
      api.request(method, `/admin/products${path}`, { key, ...(json ? { json } : {}) });
    for (let n = 0; n < 12; n++) {
      const json = { title: `Thing ${n}`, status: n % 2 ? "active" : "draft", variants: [{ sku: `T-${n}` }] };
      expect((await request("POST", "", json)).status).toBe(201);
    }
    type Page = { items: Product[]; nextCursor: string | null };
    const page = async (query: string) => bodyOf<Page>(await request("GET", query));
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const next: Page = await page(`?limit=5${cursor && `&cursor=${cursor}`}`);
      seen.push(...next.items.map(item => item.id));
      cursor = next.nextCursor;
    }
    expect(new Set(seen).size).toBe(12);
    expect(seen).toEqual(seen.toSorted().reverse());
    expect((await page("?status=active")).items).toHaveLength(6);
    expect((await page("?q=thing%203")).items.map(item => item.title)).toEqual(["Thing 3"]);
    expect((await page("?q=T-7")).items.map(item => item.title)).toEqual(["Thing 7"]);
    expect((await page("?q=%25")).items).toEqual([]);
    await request("GET", "?limit=1");
    const few = await api.statements.during(() => request("GET", "?limit=1"));
    const many = await api.statements.during(() => request("GET", "?limit=12"));
    expect(Math.abs(many.length - few.length)).toBeLessThanOrEqual(LOOKUP_SLACK);
    for (const query of ["?limit=0", "?limit=x", "?status=gone", "?cursor=x", "?wat=1", "?q=%00"]) {
      expect([query, (await request("GET", query)).status]).toEqual([query, 422]);
    }
  });
});

test("every write is in the audit log, with what changed and by which key", async () => {
  const made = await make(shirt());
  await patch(made, {
    status: "archived",
    variants: [{ id: made.variants[0]!.id, price: { amountMinor: 5 } }],
  });
  await send("DELETE", `/${made.id}`, undefined, { "if-match": "*" });
  const answer = await api.request("GET", `/admin/audit?entityId=${made.id}`, { key: api.keys.secret });
  type Entry = {
    action: string;
    route: string;
    actor: string;
    changes: Record<string, { before: unknown; after: unknown }>;
  };
  const { items } = await bodyOf<{ items: Entry[] }>(answer);
  const of = (action: string) => items.find(item => item.action === action)!;
  expect(items).toHaveLength(3);
  expect(of("create").route).toBe("POST /admin/products");
  expect(of("update").route).toBe("PATCH /admin/products/:id");
  expect(of("update").changes.status).toEqual({ before: "active", after: "archived" });
  expect(of("update").changes.prices!.after).toMatchObject([{ currency: "EUR", amountMinor: 5 }]);
  expect(of("delete").actor).toMatch(/^key_/);
  await settle(api.sql);
});
