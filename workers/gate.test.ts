import { expect, test } from "bun:test";
import { Gate } from "./gate.ts";

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>(r => {
    resolve = r;
  });
  return { promise, resolve };
}

test("a job that wants to be alone waits for the others and keeps new ones out", async () => {
  let opened = 0;
  const gate = new Gate(() => opened++);
  const other = gate.tryEnter()!;
  const work = deferred();
  let alone: boolean | undefined;
  const turn = gate.alone(
    async isAlone => {
      alone = isAlone;
      await work.promise;
    },
    () => {},
  );
  expect(gate.tryEnter()).toBeNull();
  gate.leave(other);
  await Promise.resolve();
  work.resolve();
  await turn;
  expect(alone).toBe(true);
  expect(opened).toBe(1);
  expect(gate.inside).toBe(0);
  expect(gate.tryEnter()).not.toBeNull();
});

test("jobs that want to be alone take turns", async () => {
  const gate = new Gate(() => {});
  const order: string[] = [];
  let inside = 0;
  const one = (name: string) =>
    gate.alone(
      async () => {
        expect(++inside).toBe(1);
        order.push(name);
        await Promise.resolve();
        inside--;
      },
      () => {},
    );
  await Promise.all([one("a"), one("b"), one("c")]);
  expect(order).toEqual(["a", "b", "c"]);
});

test("a long job gives its turn up: the gate opens while it runs on, beside others", async () => {
  const gate = new Gate(() => {});
  const work = deferred();
  let shared = false;
  await gate.alone(
    () => work.promise,
    () => {
      shared = true;
    },
  );
  expect(shared).toBe(true);
  expect(gate.tryEnter()).not.toBeNull();
  expect(gate.inside).toBe(2);
  work.resolve();
});

test("beside a job that runs for long it starts without waiting, and is not alone", async () => {
  const gate = new Gate(() => {});
  gate.tryEnter();
  const shared: boolean[] = [];
  const note = async (alone: boolean) => {
    shared.push(alone);
  };
  await gate.alone(note, () => {});
  const began = performance.now();
  for (let i = 0; i < 50; i++) await gate.alone(note, () => {});
  expect(performance.now() - began).toBeLessThan(500);
  expect(new Set(shared)).toEqual(new Set([false]));
});
