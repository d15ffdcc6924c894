import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../testing/index.ts";
import { connect, type Db, type Tx, transaction } from "./index.ts";

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
