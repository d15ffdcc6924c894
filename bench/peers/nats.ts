/**
 * The limit of `jobs`: the bare client's `for await` loop over a durable consumer of a work-queue stream, 1,000 prefetched,
 * each message acknowledged, on messages like those of our jobs. No ledger, no envelope, no handler.
 */
import { AckPolicy, connect, headers, RetentionPolicy, StorageType } from "nats";
import { tell, versionOf } from "./peer.ts";

const [url = "", total = "0"] = process.argv.slice(2);
const count = Number(total);
const STREAM = "BENCH_JOBS";
const IN_FLIGHT = 500;

const { username, password, host } = new URL(url);
const nc = await connect({ servers: host, user: username, pass: password });
const jsm = await nc.jetstreamManager();
await jsm.streams.add({
  name: STREAM,
  subjects: ["bench_jobs.>"],
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.File,
});
await jsm.consumers.add(STREAM, {
  durable_name: "bench",
  ack_policy: AckPolicy.Explicit,
  max_ack_pending: 10_000,
});
const js = nc.jetstream();
const head = headers();
head.set("Tw-Job", `${Bun.randomUUIDv7()} 1 1 ${Date.now()} drill:noop`);
head.set("traceparent", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`);
for (let sent = 0; sent < count; sent += IN_FLIGHT) {
  const some = Array.from({ length: Math.min(IN_FLIGHT, count - sent) });
  await Promise.all(some.map(() => js.publish("bench_jobs.low.noop", "{}", { headers: head })));
}

const consumer = await js.consumers.get(STREAM, "bench");
const messages = await consumer.consume({ max_messages: 1_000 });
const startedAt = performance.now();
let done = 0;
for await (const message of messages) {
  message.ack();
  if (++done === count) break;
}
await nc.flush();
const seconds = (performance.now() - startedAt) / 1_000;
await jsm.streams.delete(STREAM);
tell({ version: await versionOf("nats"), done, seconds });
