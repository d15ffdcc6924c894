import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDisk } from "../../platform/storage/index.ts";
import { startTestS3, type TestS3 } from "../../platform/testing/index.ts";
import { runLine } from "./testing.ts";

let home = "";
let server: TestS3;
let env: Record<string, string>;
beforeAll(async () => {
  [home, server] = await Promise.all([mkdtemp(join(tmpdir(), "tradewind-move-")), startTestS3()]);
  env = {
    TRADEWIND_HOME: home,
    S3_ENDPOINT: server.endpoint,
    S3_BUCKET: server.bucket(),
    S3_ACCESS_KEY_ID: server.accessKeyId,
    S3_SECRET_ACCESS_KEY: server.secretAccessKey,
  };
});
afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true });
});

test("media move copies to the bucket and back, and says what it did", async () => {
  const disk = openDisk({ home });
  for (const name of ["one", "two"]) {
    const staged = await disk.stage(new Blob([name]).stream(), { maxBytes: 99 });
    await staged.keep(`original/${name}`);
  }
  const move = async (line: string) => JSON.parse((await runLine(`media move ${line} --json`, { env })).out);
  expect(await move("--to s3")).toMatchObject({ files: 2, copied: 2, present: 0, removed: 0 });
  expect(await move("--to s3 --remove")).toMatchObject({ copied: 0, present: 2, removed: 2 });
  expect(await disk.open("original/one")).toBeNull();
  const text = await runLine("media move --to disk", { env });
  expect([text.code, text.out]).toEqual([0, "2 files: 2 copied (1 kB), 0 were there, 0 removed\n"]);
  expect(await (await disk.open("original/two"))!.blob.text()).toBe("two");
});

test("media move names what is missing", async () => {
  expect(await runLine("media move", { env })).toMatchObject({ code: 2 });
  const { S3_BUCKET: _, ...half } = env;
  const { code, err } = await runLine("media move --to s3", { env: half });
  expect([code, err.includes("S3_BUCKET must be set")]).toEqual([2, true]);
});
