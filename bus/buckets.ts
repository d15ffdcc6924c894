/** The buckets of topology.ts: opened with as many copies as the streams have, also those that were made with fewer. */
import type { KV, KvOptions } from "nats";
import type { Connection } from "./connection.ts";
import { onlyMissing } from "./topology.ts";

export async function openBucket(
  { js, jsm, replicas }: Pick<Connection, "js" | "jsm" | "replicas">,
  name: string,
  options: Partial<Pick<KvOptions, "history" | "ttl" | "storage">>,
): Promise<KV> {
  // Without `allow_direct` the leader answers. With it any copy may: one that lags, or one whose machine is frozen and says nothing.
  const kv = await js.views.kv(name, { ...options, replicas, allow_direct: false });
  const stream = `KV_${name}`;
  const { config } = await jsm.streams.info(stream);
  if (config.num_replicas !== replicas) await jsm.streams.update(stream, { num_replicas: replicas });
  return kv;
}

/**
 * The keys of a bucket, those that were deleted among them; none when the server has no such bucket: one that lives in
 * memory is forgotten by a server that restarts, until somebody writes to it.
 *
 * They are asked of the stream. The client's own `keys()` makes a consumer for each reading: in a cluster of servers that is an
 * election, and with one of three servers away a third of the readings waited for it until they timed out.
 */
export async function keysOf({ jsm }: Pick<Connection, "jsm">, name: string): Promise<string[]> {
  const prefix = `$KV.${name}.`;
  const info = await jsm.streams.info(`KV_${name}`, { subjects_filter: `${prefix}>` }).catch(onlyMissing);
  return Object.keys(info?.state.subjects ?? {}).map(subject => subject.slice(prefix.length));
}
