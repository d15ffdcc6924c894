/** First come, first served, each once, whatever dies in between. */
import { expect, test } from "bun:test";
import { LANES, publishToLane } from "../../../bus/index.ts";
import { until } from "../../../platform/testing/index.ts";
import { fillCart, levelOf, statuses } from "../shop.fixture.ts";
import {
  accepted,
  allocators,
  bus,
  closers,
  door,
  hot,
  nats,
  requestFor,
  shop,
  statusOf,
  useStage,
} from "./flash.fixture.ts";
import type { Accepted } from "./index.ts";
import { laneOf } from "./model.ts";

useStage();

test("an allocator whose session is killed is followed by another, in order and without loss", async () => {
  await hot(1);
  const at = door();
  const carts = await Promise.all(Array.from({ length: 60 }, () => fillCart(shop, [[1, 1]])));
  allocators();
  allocators();
  const all: Accepted[] = [];
  for (const [i, cart] of carts.entries()) {
    all.push(await accepted(at.accept(requestFor(cart.id))));
    if (i === 30) {
      await shop.sql`
        SELECT pg_terminate_backend(l.pid) FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    }
  }
  await until(async () => (await statusOf(all.at(-1)!.id)) === "refused", {
    what: "the last is served",
    timeoutMs: 30_000,
  });
  const served = await Promise.all(all.map(one => statusOf(one.id)));
  expect(served).toEqual([...Array(50).fill("pending"), ...Array(10).fill("refused")]);
  expect(await levelOf(shop, 1)).toEqual({ onHand: 50, reserved: 50 });
}, 120_000);

test("first come, first served, each once, though the allocators' process is killed again and again", async () => {
  await hot(1);
  const at = door();
  const carts = await Promise.all(Array.from({ length: 60 }, () => fillCart(shop, [[1, 1]])));
  const program = `${import.meta.dir}/allocator.fixture.ts`;
  const start = () =>
    Bun.spawn([process.execPath, program, shop.url, nats.url], { stdout: "ignore", stderr: "ignore" });
  let process_ = start();
  closers.push(async () => process_.kill("SIGKILL"));
  const all: Accepted[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const cart of carts.slice((round - 1) * 20, round * 20))
      all.push(await accepted(at.accept(requestFor(cart.id))));
    // In the middle of it: something of this round was served.
    await until(async () => (await statuses(shop)).orders!.length > (round - 1) * 20, {
      what: "an order of the round",
      timeoutMs: 30_000,
    });
    process_.kill("SIGKILL");
    await process_.exited;
    process_ = start();
  }
  await until(async () => (await statusOf(all.at(-1)!.id)) === "refused", {
    what: "the last is served",
    timeoutMs: 30_000,
  });
  expect(await Promise.all(all.map(one => statusOf(one.id)))).toEqual([
    ...Array(50).fill("pending"),
    ...Array(10).fill("refused"),
  ]);
  expect(await levelOf(shop, 1)).toEqual({ onHand: 50, reserved: 50 });
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'`;
  expect(rows.flatMap(row => row.payload.orderIds).toSorted()).toEqual(
    all
      .slice(0, 50)
      .map(one => one.id)
      .toSorted(),
  );
}, 90_000);

test("a message that nobody can read does not stop its lane", async () => {
  await hot();
  const lane = laneOf(shop.store.id, shop.variants[0]!);
  expect(lane).toBeLessThan(LANES);
  await publishToLane(bus.connection, lane, { id: "junk", data: "{ not json" });
  const cart = await fillCart(shop, [[0, 1]]);
  const queued = await accepted(door().accept(requestFor(cart.id)));
  allocators();
  await until(async () => (await statuses(shop)).orders!.length === 1, { what: "the order" });
  expect(await statusOf(queued.id)).toBe("pending");
});
