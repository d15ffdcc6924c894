import { expect, test } from "bun:test";
import { lookup } from "./lookup.ts";
import type { Db } from "./postgres/index.ts";

const handle = () => (() => {}) as unknown as Db;

function counted(options: { max?: number; fails?: number } = {}) {
  const state = { reads: 0, at: 0 };
  const find = lookup<string>(
    async (_, key) => {
      state.reads++;
      if (state.reads <= (options.fails ?? 0)) throw new Error("away");
      return `${key}${state.reads}`;
    },
    { ttlMs: 1_000, now: () => state.at, ...(options.max ? { max: options.max } : {}) },
  );
  return { state, find };
}

test("a look-up is read once until it is too old, also by many at once", async () => {
  const { state, find } = counted();
  const sql = handle();
  expect(await Promise.all([find(sql, "a"), find(sql, "a"), find(sql, "a")])).toEqual(["a1", "a1", "a1"]);
  state.at = 999;
  expect(await find(sql, "a")).toBe("a1");
  state.at = 1_000;
  expect(await find(sql, "a")).toBe("a2");
});

test("what was forgotten is read again; keys and databases don't mix", async () => {
  const { find } = counted();
  const [one, two] = [handle(), handle()];
  expect([await find(one, "a"), await find(one, "b"), await find(two, "a")]).toEqual(["a1", "b2", "a3"]);
  find.forget(one, "a");
  expect([await find(one, "a"), await find(one, "b"), await find(two, "a")]).toEqual(["a4", "b2", "a3"]);
});

test("a failure is not kept, and no more than the most is", async () => {
  const { find } = counted({ fails: 1, max: 2 });
  const sql = handle();
  await expect(find(sql, "a")).rejects.toThrow("away");
  expect(await find(sql, "a")).toBe("a2");
  await find(sql, "b");
  await find(sql, "c");
  expect(await find(sql, "b")).toBe("b3");
  expect(await find(sql, "a")).toBe("a5");
});
