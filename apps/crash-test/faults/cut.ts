/**
 * Connections cut in the middle of a reply. One more API node, as of another machine, stands behind two ways that break:
 * the one from its clients to it, and the one from it to Postgres. A third of the load goes through it.
 */

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { tied } from "../../../platform/tied.ts";
import { freePort, root } from "../../cluster/index.ts";
import { poll } from "../poll.ts";
import type { Stack } from "../stack.ts";
import type { Fault, FaultContext, Inflicted } from "./fault.ts";
import { openWay, type Way } from "./proxy.ts";

export type FarNode = {
  /** Where clients reach it, through the way that breaks. */
  readonly origin: string;
  readonly toNode: Way;
  readonly toDatabase: Way;
  stop(): Promise<void>;
};

/** `settings`: those of the stack. */
export async function startFarNode(stack: Stack, settings: Record<string, string>): Promise<FarNode> {
  const now = stack.now();
  const database = new URL(now.databaseUrl);
  const toDatabase = await openWay({ host: database.hostname, port: Number(database.port) });
  database.port = String(toDatabase.port);
  const port = await freePort();
  const log = openSync(join(now.home, "logs", "far-node.log"), "a");
  const child = Bun.spawn(tied([process.execPath, join(root, "apps/api/main.ts")]), {
    cwd: root,
    env: { ...environmentOf(stack), ...settings, DATABASE_URL: database.href, PORT: String(port) },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await poll("the far node", 30_000, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  const toNode = await openWay({ host: "127.0.0.1", port });
  return {
    origin: `http://127.0.0.1:${toNode.port}`,
    toNode,
    toDatabase,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      await Promise.all([toNode.close(), toDatabase.close()]);
    },
  };
}

function environmentOf(stack: Stack): Record<string, string> {
  const now = stack.now();
  return {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "production",
    TRADEWIND_MEDIA_DIR: join(now.home, "media"),
    TRADEWIND_HOME: join(now.home, "far"),
    TRADEWIND_RATE_LIMIT_FACTOR: "10000",
    TRADEWIND_LOG_LEVEL: "warn",
    TRADEWIND_STACK_TOKEN: now.stackToken,
    NATS_URL: now.natsUrl,
    UPSTASH_REDIS_REST_URL: now.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: now.redisToken,
    SMTP_URL: now.smtpUrl,
    ...(now.meiliUrl && { MEILI_URL: now.meiliUrl }),
    ...(now.meiliKey && { MEILI_KEY: now.meiliKey }),
  };
}

const CUTS = 6;
const BETWEEN_MS = [100, 500] as const;
const BYTES = [40, 1_500] as const;

export function cuts(node: FarNode): readonly Fault[] {
  return [
    { name: "cut replies", inflict: context => cutting(context, "replies of the far node", node.toNode) },
    {
      name: "cut postgres",
      inflict: context => cutting(context, "the far node's Postgres", node.toDatabase),
    },
  ];
}

async function cutting({ journal, random }: FaultContext, what: string, way: Way): Promise<Inflicted> {
  for (let i = 0; i < CUTS; i++) {
    journal.fault(`cut ${what}`);
    way.cutAfter(random.between(...BYTES));
    await Bun.sleep(random.between(...BETWEEN_MS));
    way.cutAfter(undefined);
    way.cut();
    await Bun.sleep(random.between(...BETWEEN_MS));
  }
  return { target: `cut ${what}, ${CUTS} times`, atMs: performance.now(), isBack: () => true };
}
