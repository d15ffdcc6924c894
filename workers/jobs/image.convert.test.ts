import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { imageConvert, type JobOf } from "../../bus/index.ts";
import { getAsset, receiveFile, uploadFiles } from "../../media/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { newTraceparent } from "../../platform/trace.ts";
import type { Handler } from "../handler.ts";
import { imageConvertJob } from "./image.convert.ts";

const storeId = "store_test";
let database: FreshDatabase;
let mediaDir = "";
let handler: Handler;

beforeAll(async () => {
  [database, mediaDir] = await Promise.all([
    freshDatabase(),
    mkdtemp(join(tmpdir(), "tradewind-convert-job-")),
  ]);
  const config = { ...loadConfig({}), mediaDir };
  const { sql } = database;
  const metrics = createMetrics("test");
  handler = imageConvertJob.make({ config, sql, log: silentLog, clock: systemClock, metrics }) as Handler;
});
afterAll(() => Promise.all([database.drop(), rm(mediaDir, { recursive: true })]));

const picture = () =>
  sharp({ create: { width: 64, height: 48, channels: 3, background: "#c0ffee" } })
    .png()
    .toBuffer();

async function run(bytes: Buffer) {
  const storage = openStorage({ mediaDir, home: "" });
  const received = await receiveFile(storage, new Blob([bytes]).stream(), { maxBytes: 1_000_000 });
  const [uploaded] = await uploadFiles(database.sql, { storeId }, [received]);
  const assetId = uploaded!.id;
  const { kind, version, priority } = imageConvert;
  const job: JobOf<typeof imageConvert> = {
    ...{ id: Bun.randomUUIDv7(), kind, version, priority, storeId, key: `asset:${assetId}` },
    ...{ attempt: 1, traceparent: newTraceparent(), payload: { assetId } },
  };
  const context = { signal: new AbortController().signal, log: silentLog, progress() {}, delivery: 1 };
  const outcome = await handler.run(job, context);
  const again = await handler.run(job, context);
  return { outcome, again, asset: await getAsset(database.sql, storeId, assetId) };
}

test("a picture is made ready, and a second delivery finds it done", async () => {
  const { outcome, again, asset } = await run(await picture());
  expect([outcome, again]).toEqual([{ type: "done" }, { type: "done" }]);
  expect([asset?.status, asset?.variants.length]).toEqual(["ready", 9]);
});

test("a damaged picture is discarded with the reason that its asset shows", async () => {
  const { outcome, again, asset } = await run((await picture()).subarray(0, 60));
  expect(outcome).toMatchObject({ type: "discard", reason: expect.stringContaining("unreadable: ") });
  expect(again).toEqual({ type: "done" });
  expect([asset?.status, asset?.error?.code]).toEqual(["failed", "unreadable"]);
});
