/** Redis: the shared cache. It holds nothing that can't be made again, but keeps it over a restart (AOF, every second). */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RedisClient } from "bun";
import { findBinary } from "./binaries.ts";
import { plainEnv, type RunningServer, type ServerContext, startServer } from "./server.ts";

export async function startRedis(
  context: ServerContext,
  options: { secret: string; bin?: string | undefined },
): Promise<RunningServer> {
  const bin = await findBinary("redis-server", { explicit: options.bin, dir: context.binDir });
  const dataDir = resolve(context.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return startServer(context, {
    name: "redis",
    launch: async port => {
      const file = join(dataDir, "redis.conf");
      await writeFile(file, configuration(dataDir, port, options.secret, context.throwAway), { mode: 0o600 });
      return { command: [bin.path, file], env: plainEnv(bin.env) };
    },
    url: port => `redis://:${options.secret}@127.0.0.1:${port}`,
    ready: async url => {
      const client = new RedisClient(url, { connectionTimeout: 2_000, autoReconnect: false });
      try {
        return (await client.send("PING", [])) === "PONG";
      } finally {
        client.close();
      }
    },
  });
}

function configuration(dataDir: string, port: number, secret: string, throwAway: boolean): string {
  return [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${secret}`,
    `dir "${dataDir}"`,
    "maxmemory 256mb",
    "maxmemory-policy allkeys-lru",
    'save ""',
    throwAway ? "appendonly no" : "appendonly yes\nappendfsync everysec",
    "",
  ].join("\n");
}
