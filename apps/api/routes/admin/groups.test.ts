import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { settle } from "../../../../commerce/storefront/storefront.fixture.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

type Category = { id: string; handle: string; parentId: string | null; path: string[]; version: number };
type Collection = { id: string; handle: string; version: number; productIds: string[] };
type Item = {
  id: string;
  handle: string;
  collections: { handle: string }[];
  categories: { title: string }[];
};
type Problem = { code: string; errors: { path: string }[] };

let api: TestApi;

beforeAll(async () => {
  // What lists show is looked at right after the jobs, which caches may be a second behind.
  api = await testApi({ config: { cacheMb: 0 } });
});
afterAll(() => api.close());

const bodyOf = async <T>(answer: Response) => (await answer.json()) as T;

/** A store of its own for each test. */
async function shop() {
  const store = await createStore(api.sql, { name: "Groups", currency: "EUR" });
  const key = async (kind: "secret" | "publishable") =>
    (await createKey(api.sql, { kind, storeId: store.id, name: kind })).key;
  const [secret, publishable] = [await key("secret"), await key("publishable")];
  const admin = (method: string, path: string, json?: object, headers: Record<string, string> = {}) =>
    api.request(method, `/admin${path}`, { key: secret, headers, ...(json ? { json } : {}) });
  const make = async <T>(path: string, json: object): Promise<T> => {
    const answer = await admin("POST", path, json);
    expect([json, answer.status]).toEqual([json, 201]);
    return bodyOf<T>(answer);
  };
  const change = (path: string, json: object) => admin("PATCH", path, json, { "if-match": "*" });
  const remove = (path: string) => admin("DELETE", path, undefined, { "if-match": "*" });
  const faults = async (answer: Response) => {
    expect(answer.status).toBe(422);
    return (await bodyOf<Problem>(answer)).errors.map(error => error.path);
  };
  const product = (handle: string, more: object = {}) =>
    make<{ id: string }>("/products", { title: handle, handle, status: "active", variants: [{}], ...more });
  const priced = (handle: string, amountMinor: number, more: object = {}) =>
    product(handle, { variants: [{ price: { amountMinor } }], ...more });
  /** What a shop's list shows once the jobs are done. */
  const list = async (query: string) => {
    await settle(api.sql);
    const answer = await api.request("GET", `/store/products${query}`, { key: publishable });
    return (await bodyOf<{ items: Item[] }>(answer)).items;
  };
  const handles = async (query: string) => (await list(query)).map(item => item.handle);
  return { store, publishable, admin, make, change, remove, faults, product, priced, list, handles };
}

describe("categories", () => {
  test("list the products of everything below them, also after a branch was moved", async () => {
    const { make, change, product, handles } = await shop();
    const home = await make<Category>("/categories", { title: "Home" });
    const kitchen = await make<Category>("/categories", { title: "Kitchen", parentId: home.id });
    const mugs = await make<Category>("/categories", { title: "Mugs", parentId: "kitchen" });
    const gifts = await make<Category>("/categories", { title: "Gifts" });
    expect(mugs.path).toEqual([home.id, kitchen.id, mugs.id]);
    await product("mug", { categories: ["mugs"] });
    await product("pan", { categories: [kitchen.id] });
    expect(await handles("?category=home")).toEqual(["pan", "mug"]);
    expect(await handles(`?category=${mugs.id}`)).toEqual(["mug"]);
    expect((await change(`/categories/${kitchen.id}`, { parentId: gifts.id })).status).toBe(200);
    expect(await handles("?category=home")).toEqual([]);
    expect(await handles("?category=gifts")).toEqual(["pan", "mug"]);
    expect(await handles("?category=kitchen&sort=title")).toEqual(["mug", "pan"]);
    expect((await change(`/categories/${mugs.id}`, { parentId: null })).status).toBe(200);
    expect(await handles("?category=gifts")).toEqual(["pan"]);
  });

  test("can't go below themselves, alone or two at once", async () => {
    const { admin, make, change, faults } = await shop();
    const [a, b] = [
      await make<Category>("/categories", { title: "A" }),
      await make<Category>("/categories", { title: "B" }),
    ];
    const below = await make<Category>("/categories", { title: "C", parentId: a.id });
    expect(await faults(await change(`/categories/${a.id}`, { parentId: below.id }))).toEqual(["parentId"]);
    expect(await faults(await change(`/categories/${a.id}`, { parentId: a.id }))).toEqual(["parentId"]);
    const both = [
      change(`/categories/${a.id}`, { parentId: b.id }),
      change(`/categories/${b.id}`, { parentId: a.id }),
    ];
    expect((await Promise.all(both)).map(answer => answer.status).sort()).toEqual([200, 422]);
    const { items } = await bodyOf<{ items: Category[] }>(await admin("GET", "/categories"));
    for (const { id, parentId, path } of items) {
      expect(path.at(-1)).toBe(id);
      expect(path.at(-2) ?? null).toBe(parentId);
      expect(new Set(path).size).toBe(path.length);
    }
  });

  test("show their new name with their products, and are gone from them when removed", async () => {
    const { make, change, remove, product, list, handles } = await shop();
    const old = await make<Category>("/categories", { title: "Old" });
    const child = await make<Category>("/categories", { title: "Child", parentId: old.id });
    await product("thing", { categories: ["old"] });
    await change(`/categories/${old.id}`, { title: "New" });
    expect((await list("?category=old"))[0]!.categories).toMatchObject([{ title: "New" }]);
    const refused = await remove(`/categories/${old.id}`);
    expect([refused.status, (await bodyOf<Problem>(refused)).code]).toEqual([409, "category_has_children"]);
    expect((await remove(`/categories/${child.id}`)).status).toBe(204);
    expect((await remove(`/categories/${old.id}`)).status).toBe(204);
    expect(await handles("?category=old")).toEqual([]);
    expect((await list(""))[0]!.categories).toEqual([]);
  });

  test("refuse bad input by path, stale versions, and what belongs to others", async () => {
    const { admin, make, faults } = await shop();
    const other = await shop();
    const foreign = await other.make<Category>("/categories", { title: "Foreign" });
    const own = await make<Category>("/categories", { title: "Own" });
    const cases: [object, string][] = [
      [{}, "title"],
      [{ title: "" }, "title"],
      [{ title: "\t" }, "title"],
      [{ title: "x", handle: "own" }, "handle"],
      [{ title: "x", handle: "Ä B" }, "handle"],
      [{ title: "x", parentId: foreign.id }, "parentId"],
      [{ title: "x", parentId: 7 }, "parentId"],
      [{ title: "x", position: -1 }, "position"],
      [{ title: "x", position: "1" }, "position"],
      [{ title: "x", path: [] }, "path"],
    ];
    for (const [json, path] of cases) {
      expect([json, await faults(await admin("POST", "/categories", json))]).toEqual([json, [path]]);
    }
    expect((await admin("PATCH", `/categories/${own.id}`, { title: "x" })).status).toBe(428);
    const tagged = await admin("GET", `/categories/${own.id}`);
    const headers = { "if-match": tagged.headers.get("etag")! };
    expect((await admin("PATCH", `/categories/${own.id}`, { title: "x" }, headers)).status).toBe(200);
    expect((await admin("PATCH", `/categories/${own.id}`, { title: "y" }, headers)).status).toBe(412);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const json = method === "PATCH" ? { title: "x" } : undefined;
      const { status } = await admin(method, `/categories/${foreign.id}`, json, { "if-match": "*" });
      expect([method, status]).toEqual([method, 404]);
    }
    let deep: string | null = null;
    for (let n = 0; n < 10; n++) {
      deep = (await make<Category>("/categories", { title: `Level ${n}`, parentId: deep })).id;
    }
    expect(await faults(await admin("POST", "/categories", { title: "x", parentId: deep! }))).toEqual([
      "parentId",
    ]);
  });
});

describe("collections", () => {
  test("picked by hand show their products in that order, also after the picks changed", async () => {
    const { make, change, product, handles, list } = await shop();
    const ids: string[] = [];
    for (const handle of ["a", "b", "c", "d"]) ids.push((await product(handle)).id);
    const [a, b, c, d] = ids as [string, string, string, string];
    const picked = await make<Collection>("/collections", { title: "Best", productIds: [c, a, d] });
    expect(await handles("?collection=best")).toEqual(["c", "a", "d"]);
    expect(await handles(`?collection=${picked.id}&sort=title`)).toEqual(["a", "c", "d"]);
    expect((await change(`/collections/${picked.id}`, { productIds: [d, b, c] })).status).toBe(200);
    expect(await handles("?collection=best&limit=2")).toEqual(["d", "b"]);
    await change(`/collections/${picked.id}`, { title: "Finest", handle: "finest" });
    const items = await list("?collection=finest");
    expect(items.map(item => item.collections.map(one => one.handle))).toEqual([
      ["finest"],
      ["finest"],
      ["finest"],
    ]);
  });

  test("by rule follow their products, their rule, and its category tree", async () => {
    const { admin, make, change, remove, priced, handles, list } = await shop();
    const home = await make<Category>("/categories", { title: "Home" });
    const mugs = await make<Category>("/categories", { title: "Mugs" });
    const cheap = await priced("cheap", 900, { tags: ["Gift"], vendor: "Acme", categories: ["mugs"] });
    await priced("dear", 5_000, { tags: ["gift"] });
    await priced("plain", 800);
    const conditions = [
      { field: "price", max: 1_000 },
      { field: "tag", values: ["GIFT"] },
    ];
    const rule = await make<Collection>("/collections", {
      title: "Gifts",
      rule: { match: "all", conditions },
    });
    expect(await handles("?collection=gifts")).toEqual(["cheap"]);
    await priced("late", 1_000, { tags: ["gift"] });
    expect(await handles("?collection=gifts")).toEqual(["late", "cheap"]);
    await change(`/products/${cheap.id}`, { variants: [{ price: { amountMinor: 1_001 } }] });
    expect(await handles("?collection=gifts")).toEqual(["late"]);
    await change(`/collections/${rule.id}`, { rule: { match: "any", conditions } });
    expect((await handles("?collection=gifts")).toSorted()).toEqual(["cheap", "dear", "late", "plain"]);
    const inHome = { match: "all", conditions: [{ field: "category", values: ["home"] }] };
    await change(`/collections/${rule.id}`, { rule: inHome });
    expect(await handles("?collection=gifts")).toEqual([]);
    await change(`/categories/${mugs.id}`, { parentId: home.id });
    expect(await handles("?collection=gifts")).toEqual(["cheap"]);
    expect((await list("?q=acme"))[0]!.collections).toMatchObject([{ handle: "gifts" }]);
    await remove(`/collections/${rule.id}`);
    expect(await handles("?collection=gifts")).toEqual([]);
    expect((await list("?q=acme"))[0]!.collections).toEqual([]);
    expect((await admin("GET", `/collections/${rule.id}`)).status).toBe(404);
  });

  test("refuse bad input by path", async () => {
    const { admin, faults, product } = await shop();
    const other = await shop();
    const { id } = await product("a");
    const foreign = (await other.product("b")).id;
    const rule = (...conditions: object[]) => ({ title: "x", rule: { match: "all", conditions } });
    const cases: [object, string[]][] = [
      [{}, ["title"]],
      [{ title: "x", productIds: [id, foreign] }, ["productIds.1"]],
      [{ title: "x", productIds: [id, id] }, ["productIds.1"]],
      [{ ...rule({ field: "tag", values: ["a"] }), productIds: [id] }, ["productIds"]],
      [rule(), ["rule.conditions"]],
      [rule({ field: "colour", values: ["a"] }), ["rule.conditions.0.field"]],
      [rule({ field: "tag" }), ["rule.conditions.0.values"]],
      [rule({ field: "tag", values: ["a", " "] }), ["rule.conditions.0.values.1"]],
      [rule({ field: "category", values: ["nowhere"] }), ["rule.conditions.0.values.0"]],
      [rule({ field: "price" }), ["rule.conditions.0"]],
      [rule({ field: "price", min: 5, max: 4 }), ["rule.conditions.0.max"]],
      [rule({ field: "price", min: -1 }), ["rule.conditions.0.min"]],
      [rule({ field: "price", min: "1" }), ["rule.conditions.0.min"]],
      [{ title: "x", rule: { match: "some", conditions: [{ field: "price", min: 1 }] } }, ["rule.match"]],
    ];
    for (const [json, paths] of cases) {
      expect([json, await faults(await admin("POST", "/collections", json))]).toEqual([json, paths]);
    }
    const { items } = await bodyOf<{ items: object[] }>(await admin("GET", "/collections"));
    expect(items).toEqual([]);
  });
});
