/**
 * `bun run fuzz [--requests N] [--seed N] [--first N] [--json] [--url ORIGIN]`. Without an address it starts a cluster of its
 * own and ends it; with one it makes two stores there, and wants the ops key in TRADEWIND_OPS_KEY. Exit code 1: something
 * was found, or it was interrupted; each finding with the command that repeats it.
 */
import { parseArgs } from "node:util";
import type { FuzzReport } from "./index.ts";
import { type Description, fuzz, makeWorld, operationsOf } from "./index.ts";
import { rssOf } from "./memory.ts";
import { type FuzzStack, startFuzzStack } from "./stack.ts";

const USAGE = "bun run fuzz [--requests N] [--seed N] [--first N] [--json] [--url ORIGIN]";

const TOLD_EVERY = 5_000;

function refuse(message: string): never {
  console.error(`fuzz: ${message}\nusage: ${USAGE}`);
  process.exit(2);
}

function readArgs() {
  try {
    return parseArgs({
      options: {
        requests: { type: "string", default: "100000" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        first: { type: "string", default: "0" },
        url: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < min) refuse(`--${name} takes a whole number from ${min} on`);
  return value;
}

type Env = Record<string, string | undefined>;

async function targetOf(url: string | undefined, { TRADEWIND_OPS_KEY: key }: Env): Promise<FuzzStack> {
  if (url === undefined) return startFuzzStack();
  if (!/^https?:/.test(URL.parse(url)?.protocol ?? ""))
    refuse("--url takes an address such as http://127.0.0.1:3000");
  if (!key) refuse("with --url the ops key must stand in TRADEWIND_OPS_KEY");
  return { api: url.replace(/\/+$/, ""), opsKey: key, stop: async () => {} };
}

function show(report: FuzzReport & { startRssMb: number; endRssMb: number }): void {
  for (const { n, faults, status, answer, curl, logged = "" } of report.failures) {
    console.log(`\n#${n}: ${faults.join("; ")} (${status})\n${curl}\n${answer}\n${logged}`);
  }
  const { seed, requests, perSecond, statuses, operations, failed, slowestMs, slowest } = report;
  console.log(
    `\n${requests} requests, ${perSecond} a second; ${operations.succeeded} of ${operations.total} operations succeeded at least once`,
  );
  console.log(
    Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", "),
  );
  console.log(`slowest ${slowestMs} ms: ${slowest}; API node ${report.startRssMb} → ${report.endRssMb} MB`);
  console.log(failed === 0 ? "nothing found" : `${failed} findings; repeat them with --seed ${seed}`);
}

/** What a node takes while it goes on tells a leak from what caches and the compiler take once. */
async function tell(target: FuzzStack, done: number): Promise<void> {
  const rssMb = await rssOf(target).catch(() => "?");
  console.error(`fuzz: ${done} done; API node ${rssMb} MB`);
}

async function main(env: Env): Promise<number> {
  const args = readArgs();
  if (args.help) {
    console.log(`usage: ${USAGE}`);
    return 0;
  }
  const options = {
    requests: whole("requests", args.requests, 1),
    seed: whole("seed", args.seed, 0),
    first: whole("first", args.first, 0),
  };
  const target = await targetOf(args.url, env);
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  try {
    console.error(`fuzz: seed ${options.seed}, ${options.requests} requests to ${target.api}`);
    const send = (request: Request) => fetch(request, { redirect: "manual" });
    const description = (await (await fetch(`${target.api}/openapi.json`)).json()) as Description;
    const operations = operationsOf(description);
    const world = await makeWorld(send, target.opsKey, target.api);
    const onProgress = (done: number) => {
      if (done % TOLD_EVERY === 0) void tell(target, done);
    };
    // What is made once (the console's files, prepared statements) is made before the memory is looked at.
    const warm = { ...options, seed: options.seed + 1, first: 0, requests: 2 * operations.length };
    await fuzz(send, world, operations, { ...warm, origin: target.api });
    const startRssMb = await rssOf(target);
    const course = { origin: target.api, onProgress, signal: ending.signal };
    const report = await fuzz(send, world, operations, { ...options, ...course });
    for (const failure of report.failures) {
      const traceId = /"traceId":"(\w+)"/.exec(failure.answer)?.[1];
      if (traceId && target.logged) failure.logged = await target.logged(traceId);
    }
    const full = { ...report, startRssMb, endRssMb: await rssOf(target) };
    if (args.json) console.log(JSON.stringify(full));
    else show(full);
    return report.failed === 0 && !ending.signal.aborted ? 0 : 1;
  } finally {
    await target.stop();
  }
}

process.exit(await main(process.env));
