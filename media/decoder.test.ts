import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { until } from "../platform/testing/index.ts";
import { DecoderCrash, runDecoder } from "./decoder.ts";
import { limits, variantPlan } from "./plan.ts";
import type { DecoderTask } from "./protocol.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-decoder-"));
});
afterAll(() => rm(dir, { recursive: true }));

const emptyTask = () => ({
  input: join(dir, "input"),
  format: "png" as const,
  outputDir: dir,
  plan: variantPlan,
  maxPixels: limits.maxPixels,
  maxFrames: limits.maxFrames,
});

/** At their low priority such processes may be kept from starting for long by whatever else runs here. */
const PATIENCE_MS = 100_000;

type RunOptions = {
  task?: DecoderTask;
  deadlineMs?: number;
  maxMemoryBytes?: number;
  signal?: AbortSignal;
};

/** Runs a program that stands in for the decoder's. */
async function run(source: string, { task = emptyTask(), ...options }: RunOptions = {}) {
  const program = join(dir, `${crypto.randomUUID()}.ts`);
  await writeFile(program, source);
  const onVariant = async () => {};
  return runDecoder(task, { deadlineMs: PATIENCE_MS, onVariant, program, ...options });
}

async function crash(source: string, options: RunOptions = {}) {
  const error = await run(source, options).catch(thrown => thrown);
  expect(error).toBeInstanceOf(DecoderCrash);
  return (error as DecoderCrash).message;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const reportPid = `await Bun.write(${JSON.stringify("PIDFILE")}, String(process.pid));`;

test("a decoder that finds no room on the disk is no crash: the picture is not to blame", async () => {
  const source = `
    const error = new Error("ENOSPC: no space left on device, write");
    throw error;`;
  const error = await run(source).catch(thrown => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(DecoderCrash);
  expect(error.message).toContain("no space left on device");
});

describe("the decoder's process", () => {
  test("is killed at its deadline when it hangs, and is gone then", async () => {
    const pidFile = join(dir, "pid");
    const source = `${reportPid.replace("PIDFILE", pidFile)} while (true);`;
    // Long enough that it has begun by then.
    for (let deadlineMs = 700; !(await Bun.file(pidFile).exists()); deadlineMs *= 2) {
      expect(await crash(source, { deadlineMs })).toContain(`killed after ${deadlineMs} ms`);
    }
    expect(isAlive(Number(await Bun.file(pidFile).text()))).toBe(false);
  });

  test("is killed when its job is aborted", async () => {
    const abort = new AbortController();
    const pidFile = join(dir, "pid-aborted");
    const crashed = crash(`${reportPid.replace("PIDFILE", pidFile)} while (true);`, { signal: abort.signal });
    const pid = Number(
      await until(async () => Bun.file(pidFile).text(), { what: "the process", timeoutMs: PATIENCE_MS }),
    );
    abort.abort();
    expect(await crashed).toContain("its job was aborted");
    expect(isAlive(pid)).toBe(false);
    expect(await crash("", { signal: AbortSignal.abort() })).toContain("its job was aborted");
  });

  test("takes down nothing but itself when it crashes, writes rubbish or says nothing", async () => {
    expect(await crash(`process.kill(process.pid, "SIGSEGV"); await Bun.sleep(5_000);`)).toContain("SIGSEGV");
    expect(await crash(`console.log("not json {"); console.error("out of memory"); process.exit(3)`)).toBe(
      "the decoder ended with code 3: out of memory",
    );
    expect(await crash("")).toContain("code 0");
    const endless = `const block = "x".repeat(1 << 16); while (true) await Bun.write(Bun.stdout, block);`;
    expect(await crash(endless)).toContain("without end");
  });

  test("may end before it has read its task", async () => {
    // More than a pipe holds.
    const task = { ...emptyTask(), only: Array<string>(100_000).fill("a long name of a size") };
    expect(await crash("", { task })).toContain("code 0");
    expect(await crash("", { task })).toContain("code 0");
  });

  test("is killed when it takes too much memory, which is an answer", async () => {
    const pidFile = join(dir, "pid-greedy");
    const source = `${reportPid.replace("PIDFILE", pidFile)} const kept = []; while (true) kept.push(Buffer.alloc(1 << 20, 1)) % 16 || (await Bun.sleep(1));`;
    const answer = await run(source, { maxMemoryBytes: 300 * 2 ** 20 });
    expect(answer).toMatchObject({ refusal: { code: "too_much_memory" } });
    expect(isAlive(Number(await Bun.file(pidFile).text()))).toBe(false);
  });

  test("gets no environment of ours, and a low priority for all its threads", async () => {
    const source = `
      import { readdirSync, readFileSync } from "node:fs";
      import { getPriority } from "node:os";
      const threads = process.platform === "linux" ? readdirSync("/proc/self/task") : [];
      const nice = threads.map(id => Number(readFileSync("/proc/self/task/" + id + "/stat", "utf8").split(") ")[1].split(" ")[16]));
      const code = JSON.stringify([Object.keys(process.env).sort(), Math.min(getPriority(), ...nice)]);
      console.log(JSON.stringify({ type: "refused", refusal: { code, message: "" } }));`;
    const answer = await run(source);
    const [names, nice] = JSON.parse("refusal" in answer ? answer.refusal.code : "[]");
    expect(names).toEqual(["MALLOC_ARENA_MAX", "TMPDIR"]);
    expect(nice).toBeGreaterThanOrEqual(10);
  });

  test("ends when its parent is gone, in the middle of its work", async () => {
    const input = join(dir, "large.png");
    const background = { r: 1, g: 2, b: 3 };
    await sharp({ create: { width: 4_000, height: 3_000, channels: 3, background } })
      .png()
      .toFile(input);
    const program = join(import.meta.dir, "decoder-process.ts");
    const child = Bun.spawn([process.execPath, program], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
    child.stdin.write(`${JSON.stringify({ ...emptyTask(), input })}\n`);
    child.stdin.flush();
    const reader = child.stdout.getReader();
    await reader.read();
    // The pipe of a parent that was killed closes like this.
    child.stdin.end();
    let said = "";
    for (let next = await reader.read(); !next.done; next = await reader.read())
      said += Buffer.from(next.value);
    expect(await child.exited).toBe(1);
    expect(said).not.toContain('"done"');
  });
});
