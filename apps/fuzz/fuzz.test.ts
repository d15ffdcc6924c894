import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import pino from "pino";
import { testServers } from "../../platform/testing/index.ts";
import { type TestApi, testApi } from "../api/testing.ts";
import { type Description, fuzz, makeWorld, operationsOf, type Send } from "./index.ts";

const REQUESTS = 5_000;
const SEED = 20_261_130;
/** Above what caches, pools and the compiler take once. */
const MAX_GROWTH_MB = 400;

let api: TestApi;
let dir: string;
let send: Send;
/** What the application logged as an error. */
const complaints: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-fuzz-"));
  const { redisUrl, redisToken } = await testServers();
  const config = { redisUrl, redisToken, redisTimeoutMs: 2_000, mediaDir: dir, rateLimitFactor: 1_000_000 };
  const destination = new Writable({
    write(line, _encoding, done) {
      complaints.push(String(line));
      done();
    },
  });
  const log = pino({ level: "error" }, destination);
  api = await testApi({ nats: true, config, log });
  send = async request => api.app.handle(request);
});
afterAll(async () => {
  await api.close();
  await rm(dir, { recursive: true });
});

async function described(): Promise<Description> {
  return (await (await api.request("GET", "/openapi.json")).json()) as Description;
}

test(`${REQUESTS} requests that are nearly right bring no 5xx, no hang, no leak and no odd refusal`, async () => {
  const operations = operationsOf(await described());
  const world = await makeWorld(send, api.keys.ops);
  const before = process.memoryUsage.rss();
  const report = await fuzz(send, world, operations, { seed: SEED, requests: REQUESTS });
  const grownMb = (process.memoryUsage.rss() - before) / 1_048_576;
  expect(report.failures).toEqual([]);
  expect(complaints).toEqual([]);
  expect(grownMb).toBeLessThan(MAX_GROWTH_MB);
});
