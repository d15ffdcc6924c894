import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { createKey, createStore, findKey, getStore, listKeys, listStores, revokeKey } from "./index.ts";

let db: FreshDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const store = () => createStore(db.sql, { name: "Test", currency: "EUR" });

describe("stores", () => {
  test("are made, found and listed in the order of their ids", async () => {
    const one = await createStore(db.sql, { name: " One ", currency: "JPY" });
    expect(await getStore(db.sql, one.id)).toEqual(one);
    expect(one).toMatchObject({ name: "One", currency: "JPY" });
    expect(await getStore(db.sql, "store_nowhere")).toBeNull();
    const ids = (await listStores(db.sql)).map(each => each.id);
    expect(ids).toContain(one.id);
    expect(ids).toEqual(ids.toSorted());
  });

  test("of one id are one store, also when two processes make it at once", async () => {
    const make = (name: string) => createStore(db.sql, { id: "store_samesame", name, currency: "EUR" });
    const made = await Promise.all([make("A"), make("B"), make("C")]);
    expect(new Set(made.map(each => each.name)).size).toBe(1);
  });

  test("refuse bad names and currencies", async () => {
    for (const bad of [
      { name: " ", currency: "EUR" },
      { name: "x".repeat(300), currency: "EUR" },
      { name: "x", currency: "euro" },
    ]) {
      expect(createStore(db.sql, bad)).rejects.toMatchObject({ status: 422 });
    }
  });
});

describe("keys", () => {
  test("stand for their kind and store, and are kept as a hash only", async () => {
    const { id } = await store();
    const { id: keyId, key } = await createKey(db.sql, { kind: "secret", storeId: id, name: "back office" });
    expect(key).toMatch(/^sk_[0-9a-z]{32}$/);
    expect(await findKey(db.sql, key)).toEqual({ id: keyId, kind: "secret", storeId: id, role: "operate" });
    const rows = await db.sql`SELECT k::text AS text FROM stores.api_key k WHERE id = ${keyId}`;
    expect(rows[0]!.text).not.toContain(key.slice(8));
    const [listed] = await listKeys(db.sql, id);
    expect(listed).toMatchObject({ id: keyId, prefix: key.slice(0, 8), revokedAt: null });
    expect(JSON.stringify(listed)).not.toContain(key.slice(8));
  });

  test("are refused as soon as they are revoked, once and for all", async () => {
    const { id } = await store();
    const { id: keyId, key } = await createKey(db.sql, { kind: "publishable", storeId: id, name: "shop" });
    expect(await findKey(db.sql, key)).not.toBeNull();
    expect(await revokeKey(db.sql, keyId)).toBe(true);
    expect(await findKey(db.sql, key)).toBeNull();
    expect(await revokeKey(db.sql, keyId)).toBe(false);
    expect((await listKeys(db.sql, id))[0]!.revokedAt).not.toBeNull();
  });

  test("that were never made, or are rubbish, open nothing", async () => {
    const never = `sk_${"0".repeat(32)}`;
    for (const key of [never, "", "sk_", "x".repeat(100_000), "sk_'; DROP TABLE stores.store", "sk_\0"]) {
      expect(await findKey(db.sql, key)).toBeNull();
    }
  });

  test("have a store unless they are for ops", async () => {
    const { id } = await store();
    const make = (kind: "ops" | "secret", storeId: string | null) =>
      createKey(db.sql, { kind, storeId, name: "x" });
    expect((await make("ops", null)).key).toMatch(/^op_/);
    expect(make("ops", id)).rejects.toMatchObject({ status: 422 });
    expect(make("secret", null)).rejects.toMatchObject({ status: 422 });
    expect(make("secret", "store_nowhere")).rejects.toMatchObject({ status: 404 });
  });

  test("note their last use, but not with every request", async () => {
    const { id } = await store();
    const { key } = await createKey(db.sql, { kind: "secret", storeId: id, name: "x" });
    const lastUse = async () => (await listKeys(db.sql, id))[0]!.lastUsedAt?.getTime();
    expect(await lastUse()).toBeUndefined();
    await findKey(db.sql, key);
    const first = await lastUse();
    expect(first).toBeNumber();
    await Promise.all(Array.from({ length: 20 }, () => findKey(db.sql, key)));
    expect(await lastUse()).toBe(first);
  });
});
