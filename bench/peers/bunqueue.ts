/** bunqueue over TCP, its server a process of its own on SQLite, jobs added as durable; one worker, wide, in batches. */
import { join } from "node:path";
import { Queue, Worker } from "bunqueue/client";
import { counter, tell, versionOf } from "./peer.ts";

const [dir = "", total = "0"] = process.argv.slice(2);
const count = Number(total);
const free = () => {
  const probe = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = probe;
  void probe.stop(true);
  return port!;
};
const [tcpPort, httpPort] = [free(), free()];
const main = new URL("../../node_modules/bunqueue/dist/main.js", import.meta.url).pathname;
const command = [process.execPath, main];
const server = Bun.spawn(command, {
  env: {
    TCP_PORT: String(tcpPort),
    HTTP_PORT: String(httpPort),
    DATA_PATH: join(dir, `bunqueue-${tcpPort}.db`),
    LOG_LEVEL: "error",
  },
  stdout: "ignore",
  stderr: "inherit",
});
for (let tries = 0; ; tries++) {
  const up = await fetch(`http://127.0.0.1:${httpPort}/health`).catch(() => null);
  if (up) break;
  if (tries > 200) throw new Error("bunqueue did not start");
  await Bun.sleep(50);
}

const connection = { host: "127.0.0.1", port: tcpPort };
const queue = new Queue("bench", { connection });
const BULK = 500;
for (let sent = 0; sent < count; sent += BULK) {
  await queue.addBulk(
    Array.from({ length: Math.min(BULK, count - sent) }, () => ({
      name: "noop",
      data: {},
      opts: { durable: true, removeOnComplete: true },
    })),
  );
}
const counted = counter(count);
const worker = new Worker("bench", async () => {}, {
  connection,
  concurrency: 200,
  batchSize: 200,
  autorun: false,
});
worker.on("completed", () => counted.one());
worker.run();
const seconds = await counted.done;
server.kill("SIGKILL");
tell({ version: await versionOf("bunqueue"), done: count, seconds });
