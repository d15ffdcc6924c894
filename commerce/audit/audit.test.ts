import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { type Author, diff, ensureAuditPartitions, listAudit, recordAudit } from "./index.ts";

let database: FreshDatabase;
const author: Author = { storeId: "store_one", actor: "key_one", route: "PATCH /admin/things/:id" };
const thing = { ...author, action: "update", entity: "thing", entityId: "thing_1" };

beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

test("an entry stands when its change was committed, and only then", async () => {
  const { sql } = database;
  const changes = diff({ title: "Old", price: 1 }, { title: "New", price: 1 });
  await sql.begin(tx => recordAudit(tx as never, { ...thing, changes }));
  await sql
    .begin(async tx => {
      await recordAudit(tx as never, { ...thing, entityId: "thing_2", changes });
      throw new Error("the change failed");
    })
    .catch(() => {});
  const { items, nextCursor } = await listAudit(sql, "store_one", { limit: 10 });
  expect(nextCursor).toBeNull();
  expect(items).toMatchObject([
    {
      actor: "key_one",
      action: "update",
      entity: "thing",
      entityId: "thing_1",
      route: "PATCH /admin/things/:id",
    },
  ]);
  expect(items[0]!.changes).toEqual({ title: { before: "Old", after: "New" } });
  expect((await listAudit(sql, "store_two", { limit: 10 })).items).toEqual([]);
});

test("personal data and secrets are hidden at any depth; long values are cut; no change is no entry", async () => {
  const { sql } = database;
  const after = {
    email: "a@b.example",
    shippingAddress: { line1: "Quay 1" },
    customer: { phone: "1", city: "X" },
    description: "x".repeat(2_000),
    tags: Array.from({ length: 80 }, (_, i) => `t${i}`),
  };
  await recordAudit(sql, { ...thing, action: "create", changes: diff(null, after) });
  await recordAudit(sql, { ...thing, changes: diff(after, after) });
  const { items } = await listAudit(sql, "store_one", { limit: 10 });
  expect(items).toHaveLength(1);
  const { changes } = items[0]!;
  expect(changes.email).toEqual({ before: null, after: "(hidden)" });
  expect(changes.shippingAddress!.after).toBe("(hidden)");
  expect(changes.customer!.after).toEqual({ phone: "(hidden)", city: "X" });
  expect((changes.description!.after as string).length).toBe(501);
  expect(changes.tags!.after).toHaveLength(51);
});

test("months get partitions, into which what came before them moves; pages go on across them", async () => {
  const { sql } = database;
  for (let i = 0; i < 3; i++) {
    await recordAudit(sql, { ...thing, changes: diff({ n: i }, { n: i + 1 }) });
  }
  await Promise.all([ensureAuditPartitions(sql, new Date()), ensureAuditPartitions(sql, new Date())]);
  await ensureAuditPartitions(sql, new Date());
  await recordAudit(sql, { ...thing, changes: diff({ n: 3 }, { n: 4 }) });
  const [count] = await sql`SELECT count(*) AS late FROM audit.entry_default`;
  expect(count!.late).toBe(0);
  const first = await listAudit(sql, "store_one", { limit: 3 });
  const second = await listAudit(sql, "store_one", { limit: 3, cursor: first.nextCursor! });
  const seen = [...first.items, ...second.items].map(item => item.changes.n!.before);
  expect(seen.toSorted()).toEqual([0, 1, 2, 3]);
  expect(second.nextCursor).toBeNull();
});

test("filters by entity, actor and action", async () => {
  const { sql } = database;
  const changes = diff({ a: 1 }, { a: 2 });
  await recordAudit(sql, { ...thing, changes }, { ...thing, entity: "other", actor: "key_two", changes });
  const of = async (filter: object) =>
    (await listAudit(sql, "store_one", { limit: 10, ...filter })).items.length;
  expect(await of({ entity: "thing", entityId: "thing_1" })).toBe(1);
  expect(await of({ actor: "key_two" })).toBe(1);
  expect(await of({ action: "delete" })).toBe(0);
  await expect(listAudit(sql, "store_one", { limit: 1, cursor: "x" })).rejects.toMatchObject({ status: 422 });
});
