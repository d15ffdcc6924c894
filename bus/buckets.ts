/** Opens the buckets of topology.ts: with as many copies as the streams have, also those that were made with fewer. */
import type { KV, KvOptions } from "nats";
import type { Connection } from "./connection.ts";

export async function openBucket(
  { js, jsm, replicas }: Pick<Connection, "js" | "jsm" | "replicas">,
  name: string,
  options: Partial<Pick<KvOptions, "history" | "ttl" | "storage">>,
): Promise<KV> {
  const kv = await js.views.kv(name, { ...options, replicas });
  const stream = `KV_${name}`;
  const { config } = await jsm.streams.info(stream);
  if (config.num_replicas !== replicas) await jsm.streams.update(stream, { num_replicas: replicas });
  return kv;
}
