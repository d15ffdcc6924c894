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
  expect(gate.tryEnter()).toBe(true);
  const work = deferred();
  let alone: boolean | undefined;
  const turn = gate.alone(
    async isAlone => {
      alone = isAlone;
      await work.promise;
    },
    () => {},
  );
  expect(gate.tryEnter()).toBe(false);
  gate.leave();
  await Promise.resolve();
  work.resolve();
  await turn;
  expect(alone).toBe(true);
  expect(opened).toBe(1);
  expect(gate.inside).toBe(0);
  expect(gate.tryEnter()).toBe(true);
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
  expect(gate.tryEnter()).toBe(true);
  expect(gate.inside).toBe(2);
  work.resolve();
});
