/** BullMQ on a Redis that writes an append-only file every second; one worker, wide. Done jobs are removed, which is faster. */
import { Queue, Worker } from "bullmq";
import { RedisClient } from "bun";
import { counter, tell, versionOf } from "./peer.ts";

const [url = "", total = "0"] = process.argv.slice(2);
const count = Number(total);
const admin = new RedisClient(url);
await admin.send("CONFIG", ["SET", "maxmemory-policy", "noeviction"]);
await admin.send("CONFIG", ["SET", "maxmemory", "0"]);

const { hostname, port, password } = new URL(url);
const connection = { host: hostname, port: Number(port), password, maxRetriesPerRequest: null };
const queue = new Queue("bench", { connection });
const BULK = 1_000;
for (let sent = 0; sent < count; sent += BULK) {
  await queue.addBulk(
    Array.from({ length: Math.min(BULK, count - sent) }, () => ({
      name: "noop",
      data: {},
      opts: { removeOnComplete: true },
    })),
  );
}

const counted = counter(count);
const worker = new Worker("bench", async () => {}, { connection, concurrency: 200, autorun: false });
worker.on("completed", () => counted.one());
worker.run();
const seconds = await counted.done;
const left = await queue.getJobCounts("wait", "active", "failed");
if (Object.values(left).some(one => one > 0)) throw new Error(`left over: ${JSON.stringify(left)}`);
tell({ version: await versionOf("bullmq"), done: count, seconds });
