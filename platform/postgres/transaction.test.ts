import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase, until } from "../testing/index.ts";
import { connect, type Db, type Tx, transaction, transactionOnce } from "./index.ts";

let database: FreshDatabase;
let db: Db;
beforeAll(async () => {
  database = await freshDatabase();
  db = connect(database.url, { max: 2, application: "test" });
});
afterAll(async () => {
  await db.end({ timeout: 1 });
  await database.drop();
});

/** Ends the connection of a transaction, as a server that restarts does. */
async function cut(tx: Tx): Promise<void> {
  const [row] = await tx<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  await database.sql`SELECT pg_terminate_backend(${row!.pid})`;
}

async function failed(work: Promise<unknown>): Promise<void> {
  const outcome = await work.then(
    () => "committed",
    () => "rejected",
  );
  expect(outcome).toBe("rejected");
}

test("a transaction whose connection is cut is rejected, and the pool goes on", async () => {
  for (let round = 0; round < 5; round++) {
    const lost = transaction(db, async tx => {
      await cut(tx);
      await Bun.sleep(20);
      await tx`SELECT 1`;
    });
    await failed(lost);
    expect(await Promise.all([1, 2, 3].map(async n => (await db`SELECT ${n}::int AS n`)[0]!.n))).toEqual([
      1, 2, 3,
    ]);
  }
});

test("work that ends after its connection was cut does not end the process, though it can't commit", async () => {
  const lost = transaction(db, async tx => {
    await cut(tx);
    await Bun.sleep(50);
  });
  await failed(lost);
  await Bun.sleep(100);
  expect((await db`SELECT 1 AS one`)[0]).toEqual({ one: 1 });
});

test("a row that was on its way to the default partition while its own was made is written all the same", async () => {
  await db`CREATE TABLE public.note (at timestamptz NOT NULL, said text) PARTITION BY RANGE (at)`;
  await db`CREATE TABLE public.note_default PARTITION OF public.note DEFAULT`;
  const now = new Date();
  const held = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  // The row comes when the default partition is locked already, as by whoever makes one.
  const maker = transactionOnce(database.sql, async tx => {
    await tx`LOCK TABLE public.note_default IN ACCESS EXCLUSIVE MODE`;
    isHeld.resolve();
    await held.promise;
    const begin = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)).toISOString();
    await tx.unsafe(`
      CREATE TABLE public.note_now (LIKE public.note);
      ALTER TABLE public.note ATTACH PARTITION public.note_now FOR VALUES FROM ('${begin}') TO ('infinity')`);
  });
  await isHeld.promise;
  const writer = transaction(db, tx => tx`INSERT INTO public.note VALUES (${now}, 'hello')`.then(() => {}));
  await until(
    async () =>
      (
        await database.sql`SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.note_default'::regclass`
      ).length > 0,
    { what: "the row that waits" },
  );
  held.resolve();
  await Promise.all([maker, writer]);
  expect([...(await db`SELECT said, tableoid::regclass::text AS place FROM public.note`)]).toEqual([
    { said: "hello", place: "note_now" },
  ]);
});
