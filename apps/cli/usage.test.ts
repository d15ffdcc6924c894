import { expect, test } from "bun:test";
import { join } from "node:path";
import { commands } from "./commands/index.ts";
import { runLine } from "./testing.ts";

const nowhere = { TRADEWIND_HOME: "/nowhere", TRADEWIND_OPS_KEY: "op_x", TRADEWIND_SECRET_KEY: "sk_x" };

test("every command has help, with exit code 0 and without a stack", async () => {
  const env = nowhere;
  expect((await runLine("--help", { env })).out).toContain("Usage: tradewind COMMAND");
  for (const { path, about } of commands) {
    const help = await runLine([...path, "--help"], { env });
    expect([help.code, help.err]).toEqual([0, ""]);
    expect(help.out).toContain(`Usage: tradewind ${path.join(" ")}`);
    expect(help.out).toContain(about);
  }
  expect((await runLine("dead --help", { env })).out).toContain("dead replay");
});

test.each([
  ["frobnicate", "is not a command"],
  ["dead", "wants a command"],
  ["dead bury", "is not a command"],
  ["pools scale high", "PROCESSES is missing"],
  ["pools scale urgent 1", "POOL must be one of"],
  ["pools scale high -- -1", "whole number"],
  ["pools auto", "POOL is missing"],
  ["pools auto urgent", "POOL must be one of"],
  ["pools auto high --floor x", "--floor must be a whole number"],
  ["status now", "too many arguments"],
  ["status --loud", "Unknown option '--loud'"],
  ["journey --every 0", "--every must be a time"],
  ["journey --every 2d", "--every must be a time"],
  ["journey --times 2", "--times goes with --every"],
  ["journey --url ftp://x", "must be an http(s) URL"],
  ["jobs find", "give a KEY"],
  ["dead replay", "give IDs"],
  ["dead replay --all --payload {", "must be JSON"],
  ["import x.csv --inventory all", "must be new or set"],
  ["keys create --kind master", "--kind must be"],
  ["keys create --kind ops --store store_1", "belongs to no store"],
])("`%s` is refused with exit code 2 and one line", async (line, message) => {
  const result = await runLine(line, { env: nowhere });
  expect(result.code).toBe(2);
  expect(result.err).toContain(message);
  expect(result.err.trimEnd().split("\n")).toHaveLength(1);
  expect(result.out).toBe("");
});

test("a malformed or unknown setting is exit code 2", async () => {
  expect((await runLine("status", { env: { PORT: "x" } })).code).toBe(2);
  expect((await runLine("status", { env: { TRADEWIND_HOEM: "x" } })).err).toContain(
    "TRADEWIND_HOEM is not a setting",
  );
});

test("the program itself ends with the code", async () => {
  const child = Bun.spawn(["bun", join(import.meta.dir, "main.ts"), "frobnicate"], { stderr: "pipe" });
  expect(await child.exited).toBe(2);
});
