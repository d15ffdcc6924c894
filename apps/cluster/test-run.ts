/** One test run: servers up, `bun test`, servers down, closing lines with the counts and what was left out. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../platform/config.ts";
import { NO_BROWSER } from "./browser.ts";
import { root } from "./install.ts";
import { startTestStack } from "./test-stack.ts";

/** The slowest tests start whole clusters. */
const TEST_TIMEOUT_MS = 120_000;
/** Files run side by side, as many as there are cores: with more, servers and whole clusters keep each other waiting. */
const OPTIONS = [`--timeout=${TEST_TIMEOUT_MS}`, `--parallel=${availableParallelism()}`];

type Counts = { passed: number; failed: number };

/** Returns the exit code: 0 when every test passed. */
export async function runTests(
  args: readonly string[],
  env: Record<string, string | undefined>,
): Promise<number> {
  if (env.TRADEWIND_TEST_STACK) return testAndReport(args, { file: env.TRADEWIND_TEST_STACK, left: [] });
  const began = Date.now();
  const stack = await startTestStack(loadConfig(env));
  const interrupted = signalled();
  try {
    console.log(`test servers up in ${Date.now() - began} ms`);
    if (args.includes("--serve")) {
      console.log(`export TRADEWIND_TEST_STACK=${stack.file}`);
      await interrupted;
      return 0;
    }
    const left = [
      ...leftOut(),
      ...(stack.hasBrowser ? [] : [NO_BROWSER]),
      ...(stack.hasSearchEngine ? [] : ["search engine: no Meilisearch for this platform"]),
    ];
    return await Promise.race([testAndReport(args, { file: stack.file, left }), interrupted]);
  } finally {
    await stack.stop();
  }
}

/** Resolves with the usual exit code when somebody wants the run to end. */
function signalled(): Promise<number> {
  return new Promise(resolve => {
    process.once("SIGINT", () => resolve(130));
    process.once("SIGTERM", () => resolve(143));
  });
}

function leftOut(): string[] {
  const catalog = join(root, "..", "shared", "data", "catalog.csv");
  return [
    ...(existsSync(catalog) ? [] : ["the real catalog: ../shared/data is missing"]),
    ...(Bun.which("prometheus") ? [] : ["Prometheus: get it with `apt-get install prometheus`"]),
  ];
}

async function testAndReport(
  args: readonly string[],
  { file, left }: { file: string; left: string[] },
): Promise<number> {
  const child = Bun.spawn([process.execPath, "test", ...OPTIONS, ...args], {
    cwd: root,
    env: { ...process.env, TRADEWIND_TEST_STACK: file },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
  });
  const counts = await echoAndCount(child.stderr);
  const code = await child.exited;
  for (const reason of left) console.log(`left out: ${reason}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return code;
}

/** `bun test` reports on standard error; its closing lines are " 12 pass" and " 0 fail". */
async function echoAndCount(output: ReadableStream<Uint8Array>): Promise<Counts> {
  const decoder = new TextDecoder();
  const counts = { passed: 0, failed: 0 };
  let rest = "";
  for await (const chunk of output) {
    process.stderr.write(chunk);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) count(line, counts);
  }
  count(rest, counts);
  return counts;
}

function count(line: string, counts: Counts): void {
  const match = /^ *(\d+) (pass|fail)$/.exec(Bun.stripANSI(line));
  if (match) counts[match[2] === "pass" ? "passed" : "failed"] = Number(match[1]);
}
