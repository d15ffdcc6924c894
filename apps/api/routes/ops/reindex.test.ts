import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AdminShop, openAdminShop } from "../admin/shop.fixture.ts";

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([1_000], { nats: true });
});
afterAll(() => shop.close());

type Run = { id: string; storeId: string };
type Answer = { items: Run[]; errors?: { path: string }[] };

async function ask(method: string, path: string, json?: unknown) {
  const answer = await shop.api.request(method, path, {
    key: shop.api.keys.ops,
    ...(json === undefined ? {} : { json }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

test("a reindex is asked for once, and how far it is can be read", async () => {
  const { status, body } = await ask("POST", "/ops/reindex", {});
  expect(status).toBe(202);
  const [item] = body.items;
  expect(item).toMatchObject({ status: "queued", done: 0, error: null, finishedAt: null });
  const again = await ask("POST", "/ops/reindex", { storeId: item!.storeId });
  expect(again.body.items).toEqual([item!]);
  const list = await ask("GET", `/ops/reindex?storeId=${item!.storeId}`);
  expect(list.body).toMatchObject({ items: [{ id: item!.id }], nextCursor: null });
});

test("asking does not wait for who works on the index, however long its engine takes", async () => {
  const { sql } = shop.api;
  const [item] = (await ask("POST", "/ops/reindex", {})).body.items;
  await sql`UPDATE search.build SET active_at = now() - interval '1 hour' WHERE id = ${item!.id}`;
  await sql.begin(async tx => {
    await tx`UPDATE search.build SET active_at = now() WHERE id = ${item!.id}`;
    const meanwhile = await ask("POST", "/ops/reindex", { storeId: item!.storeId });
    expect(meanwhile).toMatchObject({ status: 202, body: { items: [{ id: item!.id }] } });
  });
});

test("what is no store, or no field, is refused by name", async () => {
  expect(await ask("POST", "/ops/reindex", { storeId: "store_000000000000" })).toMatchObject({ status: 404 });
  const { status, body } = await ask("POST", "/ops/reindex", { store: "x" });
  expect([status, body.errors?.[0]?.path]).toEqual([422, "store"]);
  expect((await ask("GET", "/ops/reindex?limit=0")).body.errors?.[0]?.path).toBe("limit");
});
