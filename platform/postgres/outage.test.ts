import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Door, openDoor, testServers } from "../testing/index.ts";
import { connect, type Db } from "./index.ts";

let door: Door;
let db: Db;
beforeEach(async () => {
  const url = new URL((await testServers()).adminUrl);
  door = openDoor(new URL(url));
  url.host = `127.0.0.1:${door.port}`;
  db = connect(url.href, { max: 4, application: "test" });
});
afterEach(async () => {
  await db.end({ timeout: 1 });
  door.shut();
});

async function slowestMs(statements: Promise<unknown>[]): Promise<number> {
  const since = performance.now();
  await Promise.allSettled(statements);
  return performance.now() - since;
}

test("while the server is away every statement is refused soon, and the pool is back soon after it", async () => {
  const ask = (count: number) => Array.from({ length: count }, async () => void (await db`SELECT 1`));
  await Promise.all(ask(20));
  door.shut();
  for (let round = 0; round < 12; round++) {
    const asked = ask(100);
    expect(await slowestMs(asked)).toBeLessThan(1_500);
  }
  door.open();
  const since = performance.now();
  await Promise.allSettled(ask(20));
  await Promise.all(ask(20));
  expect(performance.now() - since).toBeLessThan(1_500);
}, 60_000);
