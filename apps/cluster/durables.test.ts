/** A nats-server that comes back with streams and consumers which do not agree, as 2.9 does after a kill or a full disk. */
import { afterEach, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, contractOf, durableOf, ghosts, mendStranded, openBus, streamOf } from "../../bus/index.ts";
import { loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { freshDatabase } from "../../platform/testing/index.ts";
import { startNats } from "./servers/index.ts";

const noop = contractOf("drill.noop.high")!;
const [stream, durable] = [streamOf("high"), durableOf(noop.kind)];
const subject = `high.${noop.kind}.store_1`;
/** A message may be stored a moment before its consumer hears of it. */
const PATIENCE_MS = 20_000;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** `up` runs the server for as long as `work` takes; `folder` is where it keeps the stream. */
async function server() {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-durables-"));
  const { sql, drop } = await freshDatabase();
  closers.push(() => rm(dir, { recursive: true, force: true }), drop);
  const context = { dataDir: join(dir, "nats"), logDir: dir, binDir: dir, throwAway: false };
  const options = { secret: "durables", bin: loadConfig(process.env).natsServerBin };
  async function up(work: (connection: Bus["connection"]) => Promise<void>): Promise<void> {
    const { url, stop } = await startNats(context, options);
    const bus = openBus({ url, name: "test", log: silentLog, sql });
    try {
      await bus.ready;
      await work(bus.connection);
      await bus.connection.nc.flush();
    } finally {
      await bus.close();
      await stop();
    }
  }
  return { up, folder: join(dir, "nats/jetstream/jetstream/$G/streams", stream) };
}

const info = ({ jsm }: Bus["connection"]) => jsm.consumers.info(stream, durable);
const publish = ({ js }: Bus["connection"]) => js.publish(subject, new Uint8Array());

test("durables that are ahead of their streams are made again and hand out what came since, others stay", async () => {
  const { up, folder } = await server();
  const deps = { log: silentLog, capOf: () => 7 };
  await up(async connection => {
    for (let i = 0; i < 3; i++) {
      await publish(connection);
      (await connection.js.pull(stream, durable, PATIENCE_MS)).ack();
    }
    expect(await mendStranded(connection, deps)).toBe(0);
  });
  await rm(join(folder, "msgs"), { recursive: true });
  await up(async connection => {
    await publish(connection);
    expect(await info(connection)).toMatchObject({ num_pending: 0, delivered: { stream_seq: 3 } });
    expect(await mendStranded(connection, deps)).toBe(1);
    expect(await info(connection)).toMatchObject({ num_pending: 1, config: { max_ack_pending: 7 } });
    expect((await connection.js.pull(stream, durable, PATIENCE_MS)).seq).toBe(1);
    expect(await mendStranded(connection, deps)).toBe(0);
  });
});

/** A server of four messages, of which three are out: its stream knows that those in `acked` are done, its consumer does not. */
async function forgetful(acked: readonly number[]) {
  const { up, folder } = await server();
  const consumer = join(folder, "obs", durable);
  await up(async connection => {
    for (let i = 0; i < 4; i++) await publish(connection);
    for (let i = 0; i < 3; i++) await connection.js.pull(stream, durable, PATIENCE_MS);
  });
  await cp(consumer, `${consumer}.before`, { recursive: true });
  await up(async ({ nc }) => {
    for (const seq of acked) nc.publish(`$JS.ACK.${stream}.${durable}.1.${seq}.${seq}.0.0`, "+ACK");
  });
  await rm(consumer, { recursive: true });
  await cp(`${consumer}.before`, consumer, { recursive: true });
  await rm(`${consumer}.before`, { recursive: true });
  return { up };
}

test("what is out and was removed from its stream is acknowledged, what is out and still there is not", async () => {
  const { up } = await forgetful([2]);
  await up(async connection => {
    expect(await info(connection)).toMatchObject({ num_ack_pending: 3, num_pending: 1 });
    const turn = ghosts({ connection, log: silentLog });
    expect(await turn()).toBe(1);
    expect(await info(connection)).toMatchObject({ num_ack_pending: 2, num_pending: 1 });
    expect(await turn()).toBe(0);
    expect((await connection.jsm.streams.info(stream)).state.messages).toBe(3);
  });
});

test("what is out of a consumer that stands still, and lies before the first message of its stream, is acknowledged", async () => {
  const { up } = await forgetful([1, 2]);
  await up(async connection => {
    expect((await connection.jsm.streams.info(stream)).state).toMatchObject({ first_seq: 3, messages: 2 });
    expect(await info(connection)).toMatchObject({ num_ack_pending: 3, num_pending: 1 });
    const turn = ghosts({ connection, log: silentLog });
    // That the consumer has not moved only the second look knows. (The server finds out by itself, some time later.)
    await turn();
    await turn();
    expect(await info(connection)).toMatchObject({ num_ack_pending: 1, num_pending: 1 });
    expect((await connection.jsm.streams.info(stream)).state.messages).toBe(2);
  });
});
