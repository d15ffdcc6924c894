/** What taking a request into a queue costs at least: Elysia, a body that is checked, one awaited JetStream publish. */
import { Elysia, t } from "elysia";
import { openConnection } from "../../bus/index.ts";
import { loadConfig, required } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";

const config = loadConfig(process.env);
const log = createLog({ level: "warn", process: "enqueue" });
const connection = openConnection({ url: required(config, "natsUrl"), name: "enqueue", log });
await connection.ready;
await connection.jsm.streams.add({ name: "BENCH", subjects: ["bench.>"] });

new Elysia()
  .get("/readyz", () => "ok")
  .post(
    "/enqueue",
    async ({ body, set }) => {
      const ack = await connection.js.publish("bench.enqueue", JSON.stringify(body));
      set.status = 202;
      return { seq: ack.seq };
    },
    { body: t.Object({ payment: t.Object({ provider: t.String(), token: t.String() }) }) },
  )
  .listen({ port: config.nodePort, hostname: "127.0.0.1" });
