import { expect, test } from "bun:test";
import { grouped } from "./grouped.ts";

/** Groups as they were sent; each is answered when `release` is called. */
function recorder(
  options: {
    max?: number;
    lanes?: number;
    gather?: { ms: number; from: number };
    fail?: (n: number) => boolean;
  } = {},
) {
  const sent: number[][] = [];
  const gates: (() => void)[] = [];
  const call = grouped<number, number>({
    max: options.max ?? 10,
    lanes: options.lanes ?? 1,
    isDefinite: () => true,
    ...(options.gather && { gather: options.gather }),
    async run(questions) {
      sent.push([...questions]);
      await new Promise<void>(resolve => gates.push(resolve));
      const bad = questions.find(one => options.fail?.(one));
      if (bad !== undefined) throw new Error(`bad ${bad}`);
      return questions.map(one => one * 2);
    },
  });
  const turn = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  const release = async () => {
    for (const open of gates.splice(0)) open();
    await turn();
  };
  return { sent, call, turn, release };
}

test("a call on its own goes at once; those that come meanwhile go together", async () => {
  const { sent, call, turn, release } = recorder();
  const first = call(1);
  await turn();
  const rest = [call(2), call(3), call(4)];
  await turn();
  expect(sent).toEqual([[1]]);
  await release();
  expect(await first).toBe(2);
  expect(sent).toEqual([[1], [2, 3, 4]]);
  await release();
  expect(await Promise.all(rest)).toEqual([4, 6, 8]);
});

test("a group is never larger than allowed, and order is kept", async () => {
  const { sent, call, turn, release } = recorder({ max: 2 });
  const all = [1, 2, 3, 4, 5].map(call);
  await turn();
  for (let i = 0; i < 3; i++) await release();
  expect(sent).toEqual([[1, 2], [3, 4], [5]]);
  expect(await Promise.all(all)).toEqual([2, 4, 6, 8, 10]);
});

test("the error of one is its own: the group is halved until it stands alone", async () => {
  const { call, turn, release } = recorder({ fail: n => n === 3 });
  const all = Promise.allSettled([1, 2, 3, 4, 5, 6].map(call));
  await turn();
  for (let i = 0; i < 8; i++) await release();
  const results = await all;
  expect(results.map(one => one.status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});

test("an error that leaves the outcome open fails the whole group, once", async () => {
  let runs = 0;
  const call = grouped<number, number>({
    max: 10,
    lanes: 1,
    isDefinite: () => false,
    run: () => {
      runs++;
      return Promise.reject(new Error("connection lost"));
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map(call));
  expect(results.every(one => one.status === "rejected")).toBe(true);
  expect(runs).toBe(1);
});

test("after a group of many the next gathers, until it is full", async () => {
  const { sent, call, turn, release } = recorder({ max: 4, gather: { ms: 3_600_000, from: 3 } });
  const calls = [call(1), call(2)];
  await turn();
  await release();
  calls.push(call(3), call(4), call(5));
  await turn();
  expect(sent).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  await release();
  calls.push(call(6), call(7), call(8));
  await turn();
  expect(sent).toHaveLength(2);
  calls.push(call(9));
  await turn();
  expect(sent.at(-1)).toEqual([6, 7, 8, 9]);
  await release();
  expect(await Promise.all(calls)).toHaveLength(9);
});

test("what gathers goes when its time has come", async () => {
  const { sent, call, turn, release } = recorder({ gather: { ms: 20, from: 1 } });
  const first = call(1);
  await turn();
  await release();
  await first;
  const rest = [call(2), call(3)];
  while (sent.length < 2) await Bun.sleep(5);
  expect(sent).toEqual([[1], [2, 3]]);
  await release();
  await Promise.all(rest);
});
