import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contractOf, enqueue, openBus, relayOnce } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import { freshDatabase, freshNats } from "../../platform/testing/index.ts";
import { runLine } from "./testing.ts";

test("streams are saved and restored, and jobs of a lost JetStream published again, from the command line", async () => {
  const [{ sql, url, drop }, nats] = await Promise.all([freshDatabase(), freshNats()]);
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const dir = await mkdtemp(join(tmpdir(), "tradewind-cli-"));
  const env = { TRADEWIND_HOME: dir, DATABASE_URL: url, NATS_URL: nats.url };
  const cli = async (...line: string[]) => {
    const { code, out, err } = await runLine([...line, "--json"], { env });
    return { code, said: JSON.parse(out || err) };
  };
  const { nc, jsm } = bus.connection;
  nc.publish("flash.0", "a checkout");
  await nc.flush();

  const folder = join(dir, "streams");
  const { code, said } = await cli("streams", "backup", folder);
  expect([code, said.saved.length, said.saved[0].messages]).toEqual([0, 4, 1]);
  expect((await readdir(folder)).length).toBe(8);
  await jsm.streams.purge("FLASH");
  expect((await cli("streams", "restore", folder, "FLASH")).said.restored).toMatchObject([{ messages: 1 }]);
  expect((await jsm.streams.info("FLASH")).state.messages).toBe(1);
  expect(await cli("streams", "restore", folder, "NONE")).toMatchObject({
    code: 1,
    said: { error: { code: "not_found" } },
  });
  expect(await cli("jobs", "resend")).toEqual({ code: 0, said: { type: "resent", jobs: 0 } });
  await enqueue(sql, { contract: contractOf("drill.noop.high")!, payload: {}, storeId: "store_test" });
  await relayOnce({ connection: bus.connection, sql });
  expect(await cli("jobs", "resend")).toMatchObject({ code: 1, said: { error: { code: "not_lost" } } });

  await bus.close();
  await Promise.all([drop(), nats.release(), rm(dir, { recursive: true })]);
}, 120_000);
