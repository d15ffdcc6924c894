/** Erasures that are killed or run twice; apps/keeper/erasure.test.ts shows what an erasure reaches. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../platform/log.ts";
import { connect } from "../../platform/postgres/index.ts";
import { openRedis } from "../../platform/redis/index.ts";
import { testServers, until } from "../../platform/testing/index.ts";
import { buy, fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { getErasure, requestErasure, runErasure } from "./index.ts";

setDefaultTimeout(30_000);
const root = join(import.meta.dir, "../..");
const ADA = "ada@quay.example";

let shop: Shop;
let erasureId: string;
beforeEach(async () => {
  shop = await openShop([100]);
  for (const email of [ADA, "bob@quay.example", "ADA@quay.example", ADA, "eve@quay.example", ADA, ADA])
    await buy(shop, (await fillCart(shop, [[0, 1]], email)).id);
  const { redisUrl, redisToken } = await testServers();
  const redis = openRedis({ url: redisUrl, token: redisToken, timeoutMs: 200, log: silentLog });
  const asked = await requestErasure({ sql: shop.sql, redis }, { storeId: shop.store.id }, { email: ADA });
  erasureId = asked.id;
});
afterEach(() => shop.drop());

const run = (signal = new AbortController().signal) =>
  runErasure(shop.sql, shop.store.id, erasureId, signal, { page: 1 });

async function mails(): Promise<(string | null)[]> {
  const rows = await shop.sql<{ email: string | null }[]>`SELECT email FROM orders.order ORDER BY id`;
  return rows.map(row => row.email);
}

const forgotten = [null, "bob@quay.example", null, null, "eve@quay.example", null, null];

test("an erasure whose process is killed in the middle goes on where it was, and counts each order once", async () => {
  const { sql, url } = shop;
  const blocker = connect(url, { max: 1, application: "blocker" });
  const held = Promise.withResolvers<void>();
  const holding = blocker.begin(async tx => {
    await tx`SELECT FROM orders.order WHERE id = (SELECT id FROM orders.order ORDER BY id OFFSET 3 LIMIT 1) FOR UPDATE`;
    await held.promise;
  });
  const script = `
    import { runErasure } from "${join(root, "commerce/erasure/index.ts")}";
    import { connect } from "${join(root, "platform/postgres/index.ts")}";
    const sql = connect(process.env.DATABASE_URL, { max: 1, application: "eraser" });
    await runErasure(sql, "${shop.store.id}", "${erasureId}", new AbortController().signal, { page: 1 });`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: url },
  });
  const isStuck = async () =>
    (await sql`SELECT FROM pg_stat_activity WHERE application_name = 'eraser' AND wait_event_type = 'Lock'`)
      .length > 0;
  await until(isStuck, { what: "an erasure in the middle" });
  child.kill("SIGKILL");
  await child.exited;
  held.resolve();
  await holding;
  await blocker.end();

  await until(async () => (await getErasure(sql, shop.store.id, erasureId)).orders === 2, {
    what: "two orders",
  });
  expect(await run()).toBe("done");
  expect(await mails()).toEqual(forgotten);
  expect(await getErasure(sql, shop.store.id, erasureId)).toMatchObject({
    status: "done",
    orders: 5,
    carts: 5,
  });
});

test("two runs at once share the work; one that is told to stop does so between two pages", async () => {
  const aborted = new AbortController();
  aborted.abort(new Error("the worker is leaving"));
  await expect(run(aborted.signal)).rejects.toThrow("leaving");
  expect(await Promise.all([run(), run()])).toEqual(["done", "done"]);
  expect(await mails()).toEqual(forgotten);
  const erasure = await getErasure(shop.sql, shop.store.id, erasureId);
  expect(erasure).toMatchObject({ status: "done", orders: 5, carts: 5, account: false });
  expect(await run()).toBe("done");
  expect(await runErasure(shop.sql, "store_other", erasureId, new AbortController().signal)).toBe("gone");
});
