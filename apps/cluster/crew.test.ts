import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../platform/log.ts";
import { until } from "../../platform/testing/index.ts";
import { createCrew, NotReplaced } from "./crew.ts";
import { end, isAlive, launch } from "./process.ts";
import type { Program } from "./programs.ts";
import { keepRunning } from "./unit.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-crew-"));
});
afterEach(() => rm(dir, { recursive: true }));

/** Processes that run what `script` says; one works when it has made the file of its name. */
function setup(script: (number: number) => string) {
  const run = ({ name, env }: Program) =>
    keepRunning({
      name,
      log: silentLog,
      onChange: () => {},
      start: async () => {
        const child = await launch({
          command: ["sh", "-c", script(Number(env.NUMBER))],
          env: { READY: join(dir, name) },
          logFile: join(dir, `${name}.log`),
        });
        const stop = async (patienceMs: number) => void (await end(child, { patienceMs }));
        return { process: child, isReady: () => existsSync(join(dir, name)), stop };
      },
    });
  const crew = createCrew({
    run,
    leave: { patienceMs: 5_000 },
    program: number => ({ name: `one-${number}`, entry: "", env: { NUMBER: String(number) } }),
  });
  return crew;
}

const works = 'touch "$READY"; exec sleep 30';
const names = (crew: ReturnType<typeof setup>) => crew.running().map(unit => unit.name);

test("a process leaves when its successor works, not before", async () => {
  const crew = setup(() => works);
  crew.setCount(1);
  const [old] = crew.running();
  await until(() => old!.isReady());
  const ref = old!.current()!;
  const rolled = await crew.roll(old!, { startMs: 10_000, leaveMs: 5_000 });
  expect(rolled).toMatchObject({ from: "one-1", to: "one-2", leftMs: expect.any(Number) });
  expect([isAlive(ref), names(crew), crew.running()[0]!.isReady()]).toEqual([false, ["one-2"], true]);
  await crew.stop(1_000);
});

test.each([
  ["ends at once", "exit 1", "ended instead of starting"],
  ["never works", "exec sleep 30", "did not work within 0.2 s"],
])("a successor that %s is ended, and the one that ran goes on", async (_, script, message) => {
  const crew = setup(number => (number === 1 ? works : script));
  crew.setCount(1);
  const [old] = crew.running();
  await until(() => old!.isReady());
  const failure = await crew.roll(old!, { startMs: 200, leaveMs: 1_000 }).catch(error => error);
  expect(failure).toBeInstanceOf(NotReplaced);
  expect(failure.message).toContain(message);
  expect([names(crew), crew.units().length, isAlive(old!.current()!)]).toEqual([["one-1"], 1, true]);
  await crew.stop(1_000);
});

test("one that takes long to leave is not waited for, and is ended with the crew", async () => {
  const crew = setup(number =>
    number === 1 ? `trap '' TERM; touch "$READY"; while :; do sleep 0.05; done` : works,
  );
  crew.setCount(1);
  const [old] = crew.running();
  await until(() => old!.isReady());
  const ref = old!.current()!;
  expect(await crew.roll(old!, { startMs: 10_000, leaveMs: 50 })).toMatchObject({ leftMs: null });
  expect([crew.leaving(), isAlive(ref)]).toEqual([[old!], true]);
  await crew.stop(100);
  expect(isAlive(ref)).toBe(false);
});

test("a crew that shrinks while a successor starts does not get it besides", async () => {
  const crew = setup(number => (number === 1 ? works : 'sleep 0.3; touch "$READY"; exec sleep 30'));
  crew.setCount(1);
  const [old] = crew.running();
  await until(() => old!.isReady());
  const rolling = crew.roll(old!, { startMs: 10_000, leaveMs: 1_000 });
  crew.setCount(0);
  expect(await rolling).toBeNull();
  expect([names(crew), crew.count()]).toEqual([[], 0]);
  await crew.stop(1_000);
});
