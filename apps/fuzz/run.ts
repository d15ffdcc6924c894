/** Sends the requests, some at a time, judges the answers and adds up. */
import { curlOf } from "./curl.ts";
import { faultsOf } from "./judge.ts";
import type { Operation } from "./operations.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Send, World } from "./world.ts";

export type FuzzOptions = {
  readonly seed: number;
  readonly requests: number;
  /** The number of the first request; to repeat one, it and a count of 1. */
  readonly first?: number;
  /** Requests on their way at the same moment. */
  readonly concurrency?: number;
  /** How long an answer may take. */
  readonly deadlineMs?: number;
  readonly origin?: string;
  /** Ends the run early: what was found until then is told. */
  readonly signal?: AbortSignal;
  /** Told now and then how many are done. */
  readonly onProgress?: (done: number) => void;
};

export type Failure = {
  n: number;
  faults: string[];
  status: number;
  answer: string;
  /** Repeats the request. */
  curl: string;
  /** What the server said about it, where that can be known. */
  logged?: string;
};

export type FuzzReport = {
  readonly seed: number;
  readonly requests: number;
  /** Requests that no client can send (a header that HTTP can't carry). */
  readonly unsent: number;
  readonly perSecond: number;
  readonly slowestMs: number;
  readonly slowest: string;
  readonly statuses: Record<string, number>;
  /** Of how many operations at least one request was answered with a 2xx. */
  readonly operations: { total: number; succeeded: number; never: string[] };
  readonly failures: Failure[];
  /** All of them; `failures` holds the first. */
  readonly failed: number;
};

const MAX_SHOWN = 50;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

export async function fuzz(
  send: Send,
  world: World,
  operations: readonly Operation[],
  options: FuzzOptions,
): Promise<FuzzReport> {
  const { seed, requests, first = 0, concurrency = 8, deadlineMs = 10_000 } = options;
  const tally = new Tally();
  const began = performance.now();
  let next = first;
  let done = 0;
  const client = async () => {
    while (next < first + requests && !options.signal?.aborted) {
      const plan = planOf(world, operations, seed, next++);
      await one(plan);
      if (++done % 1_000 === 0) options.onProgress?.(done);
    }
  };
  const one = async (plan: Plan) => {
    const request = requestOf(plan, options.origin ?? "http://localhost");
    if (!request) return void tally.unsent++;
    const sent = performance.now();
    const answer = await within(deadlineMs, answerOf(send, request)).catch((error: Error) => error);
    const tookMs = performance.now() - sent;
    if (answer instanceof Error) return tally.fail(plan, 0, [answer.message], "", options);
    tally.count(plan, answer.status, tookMs);
    learn(world, plan, answer);
    const faults = faultsOf(plan, answer, world);
    if (faults.length > 0) tally.fail(plan, answer.status, faults, answer.text, options);
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  const sent = next - first;
  const perSecond = Math.round(sent / ((performance.now() - began) / 1_000));
  return { seed, requests: sent, perSecond, ...tally.result(operations) };
}

class Tally {
  unsent = 0;
  #failed = 0;
  readonly #failures: Failure[] = [];
  readonly #statuses: Record<string, number> = {};
  readonly #succeeded = new Set<Operation>();
  #slowest = { ms: 0, what: "" };

  count({ operation, method, target }: Plan, status: number, ms: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status < 400 && method === operation.method) this.#succeeded.add(operation);
    if (ms > this.#slowest.ms) this.#slowest = { ms, what: `${method} ${target.slice(0, 120)} (${status})` };
  }

  fail(plan: Plan, status: number, faults: string[], answer: string, { origin }: FuzzOptions): void {
    this.#failed++;
    if (this.#failures.length >= MAX_SHOWN) return;
    const curl = curlOf(plan, origin ?? "http://localhost:3000");
    this.#failures.push({ n: plan.n, faults, status, answer: answer.slice(0, 500), curl });
  }

  result(operations: readonly Operation[]) {
    const never = operations.filter(one => !this.#succeeded.has(one)).map(one => `${one.method} ${one.path}`);
    return {
      unsent: this.unsent,
      slowestMs: Math.round(this.#slowest.ms),
      slowest: this.#slowest.what,
      statuses: this.#statuses,
      operations: { total: operations.length, succeeded: operations.length - never.length, never },
      failures: this.#failures,
      failed: this.#failed,
    };
  }
}

/** Null for what no client can send. */
function requestOf({ method, target, headers, body }: Plan, origin: string): Request | null {
  try {
    return new Request(origin + target, { method, headers, body });
  } catch {
    return null;
  }
}

async function answerOf(send: Send, request: Request) {
  const response = await send(request);
  const { status, headers } = response;
  // Streams of events have no end to wait for; files need not be read.
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream") || type.startsWith("image/")) {
    await response.body?.cancel();
    return { status, headers, text: "" };
  }
  const text = await response.text();
  if (text.length > MAX_BODY_BYTES) throw new Error(`an answer of ${text.length} characters`);
  return { status, headers, text };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was made is tried next. */
function learn(world: World, { operation }: Plan, { status, text }: { status: number; text: string }): void {
  if (status !== 200 && status !== 201 && status !== 202) return;
  if (operation.area === "open" || !text.startsWith("{")) return;
  const pool = operation.area === "ops" || operation.area === "console" ? world.all : world.mine.pool;
  pool.learn(JSON.parse(text));
}
