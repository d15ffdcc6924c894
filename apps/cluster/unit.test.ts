import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../platform/log.ts";
import { until } from "../../platform/testing/index.ts";
import { followLogs } from "./log-files.ts";
import { createPools } from "./pools.ts";
import { end, isAlive, launch } from "./process.ts";
import { lacksRoom, spaceIn, watchRoom } from "./room.ts";
import { keepRunning } from "./unit.ts";
import { watchAnswers } from "./watchdog.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-unit-"));
});
afterEach(() => rm(dir, { recursive: true }));

const shell = (name: string, script: string) => async () => {
  const child = await launch({ command: ["sh", "-c", script], env: {}, logFile: join(dir, `${name}.log`) });
  return {
    process: child,
    stop: async (patienceMs: number, signal: NodeJS.Signals = "SIGTERM") =>
      void (await end(child, { signal, patienceMs })),
  };
};
const unit = (name: string, script: string) =>
  keepRunning({ name, start: shell(name, script), log: silentLog, onChange: () => {} });

test("what ends at once is started again with growing pauses", async () => {
  const falling = unit("falling", "exit 3");
  const began = Date.now();
  await until(() => falling.restarts() >= 3);
  expect(Date.now() - began).toBeGreaterThanOrEqual(200 + 400);
  await falling.stop(1_000);
  const count = falling.restarts();
  await Bun.sleep(0);
  expect(falling.restarts()).toBe(count);
});

test("what can't be started at all is tried again and does not stand in the way of a stop", async () => {
  const absent = keepRunning({
    name: "absent",
    start: async () => {
      const child = await launch({
        command: [join(dir, "nothing")],
        env: {},
        logFile: join(dir, "absent.log"),
      });
      return { process: child, stop: async () => {} };
    },
    log: silentLog,
    onChange: () => {},
  });
  await until(() => absent.restarts() >= 2);
  expect(absent.current()).toBeNull();
  await absent.stop(1_000);
});

test("what ignores the request to end is killed when patience is over", async () => {
  const deaf = unit("deaf", "trap '' TERM; echo up; while :; do sleep 0.1; done");
  await until(() =>
    Bun.file(join(dir, "deaf.log"))
      .text()
      .then(text => text.includes("up")),
  );
  const ref = deaf.current()!;
  await deaf.stop(100);
  expect(isAlive(ref)).toBe(false);
});

test("what answers nobody for longer than patience is ended and started again; what answers again is left", async () => {
  const locked = unit("locked", "exec sleep 600");
  const first = (await until(() => locked.current()))!.pid;
  let [asked, isWell] = [0, false];
  const isAsked = async () => {
    asked++;
    if (!isWell) throw new Error("no answer");
    return true;
  };
  const stop = watchAnswers(locked, isAsked, { log: silentLog, everyMs: 10, patienceMs: 100 });
  await until(() => locked.current() !== null && locked.current()!.pid !== first, { timeoutMs: 30_000 });
  isWell = true;
  // What was decided before is done before the next question.
  const askedMore = async (times: number) => {
    const before = asked;
    await until(() => asked > before + times, { timeoutMs: 30_000 });
  };
  await askedMore(2);
  const second = (await until(() => locked.current(), { timeoutMs: 30_000 }))!.pid;
  await askedMore(20);
  expect(locked.current()?.pid).toBe(second);
  stop();
  await locked.stop(1_000);
});

test("what must not meet a full disk is ended before it is full, started when there is room, and a stop does not wait for it", async () => {
  const space = { free: 100, reserve: 80 };
  const room = watchRoom(() => space, { log: silentLog });
  const start = shell("careful", "exec sleep 600");
  const careful = keepRunning({
    name: "careful",
    start: () => room.there().then(start),
    log: silentLog,
    onChange: () => {},
  });
  room.keep(careful);
  const first = (await until(() => careful.current()))!;
  const held = () => careful.current() === null && careful.restarts();
  space.free = 79;
  const heldOnce = await until(held, { timeoutMs: 30_000 });
  expect(isAlive(first)).toBe(false);
  // A little more than the reserve is not enough: it would be held again at once.
  space.free = 81;
  expect(heldOnce).toBe(1);
  space.free = 100;
  const second = (await until(() => careful.current(), { timeoutMs: 30_000 }))!;
  expect(second.pid).not.toBe(first.pid);
  space.free = 0;
  await until(held, { timeoutMs: 30_000 });
  room.close();
  await careful.stop(1_000);
  expect(careful.current()).toBeNull();
});

test("a folder's disk is told with what is kept free of it", () => {
  const { free, reserve } = spaceIn(dir);
  expect(free).toBeGreaterThan(0);
  expect(reserve).toBeGreaterThan(0);
  expect(reserve).toBeLessThanOrEqual(256 * 1_048_576);
  if (free >= reserve) expect(lacksRoom(dir)).toBeNull();
  else expect(lacksRoom(dir)).toContain("nearly full");
});

test("a pool grows and shrinks, and numbers of processes that still drain are not used again", async () => {
  const pools = createPools({
    run: program => unit(program.name, "trap '' TERM USR2; sleep 30"),
    retireMs: 1_000,
  });
  const names = () =>
    pools
      .members("high")
      .filter(({ isLeaving }) => !isLeaving)
      .map(({ unit }) => unit.name);
  pools.setProcesses("high", 2);
  await until(() => pools.units().every(one => one.current()));
  const refs = pools.units().map(one => one.current()!);
  pools.setProcesses("high", 1);
  pools.setProcesses("high", 2);
  expect(names()).toEqual(["high-1", "high-3"]);
  pools.setProcesses("high", 0);
  await pools.stop(500);
  expect(refs.filter(isAlive)).toEqual([]);
  expect(names()).toEqual([]);
});

test("new lines of log files are printed whole, and a large file is emptied", async () => {
  writeFileSync(join(dir, "x.log"), "from before\n");
  const printed: string[] = [];
  const logs = followLogs(dir, text => printed.push(text));
  logs.follow("x", { shown: true });
  appendFileSync(join(dir, "x.log"), "one\ntw");
  await until(() => printed.join("") === "one\n");
  appendFileSync(join(dir, "x.log"), "o\n");
  await until(() => printed.join("") === "one\ntwo\n");
  appendFileSync(join(dir, "x.log"), `${"y".repeat(21 * 1024 * 1024)}\n`);
  await until(() => statSync(join(dir, "x.log")).size === 0);
  appendFileSync(join(dir, "x.log"), "after\n");
  await until(() => printed.at(-1) === "after\n");
  logs.close();
});
