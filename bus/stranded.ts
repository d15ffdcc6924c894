/**
 * Durables that stand further on than their stream. nats-server 2.9 whose disk was full may begin a stream anew when it is
 * started again, or lose its end, and keep what its consumers have had: such a durable waits for sequences that come
 * when as many messages were published as before, and hands nothing out until then. It is made again, and begins with all that
 * the stream holds; what the stream has lost is not in it, and goes out again from the ledger (resend.ts).
 *
 * A consumer is read before its stream, so that a message that comes in between can't make it look ahead; and once more, with the
 * moment at which it was made, right before it is deleted, so that of two keepers only one does it. Killed between deleting
 * and making, whoever comes next makes it: a keeper every few seconds, and whoever opens the bus (topology.ts). Should both
 * delete it, jobs that were handed out in between run twice, as any job may.
 */
import type { ConsumerInfo, JetStreamManager } from "nats";
import type { Log } from "../platform/log.ts";
import type { Connection } from "./connection.ts";
import {
  consumersOf,
  ensureTopology,
  onlyMissing,
  type TopologyOptions,
  topologyStreams,
} from "./topology.ts";

/** Makes stranded durables again. Returns how many. */
export async function mendStranded(
  { jsm, connected, replicas }: Pick<Connection, "jsm" | "connected" | "replicas">,
  { capOf, log }: Pick<TopologyOptions, "capOf"> & { log: Log },
): Promise<number> {
  if (!connected) return 0;
  let mended = 0;
  for (const stream of topologyStreams)
    for (const { name, created } of await strandedOf(jsm, stream)) {
      const [still] = await strandedOf(jsm, stream, name);
      if (still?.created !== created) continue;
      await jsm.consumers.delete(stream, name).catch(onlyMissing);
      log.warn({ stream, durable: name }, "a durable was ahead of its stream; it is made again");
      mended++;
    }
  if (mended > 0) await ensureTopology(jsm, { replicas, capOf });
  return mended;
}

/** `durable`: only that one. */
async function strandedOf(jsm: JetStreamManager, stream: string, durable?: string): Promise<ConsumerInfo[]> {
  const consumers = durable ? await one(jsm, stream, durable) : await consumersOf(jsm, stream);
  const { state } = await jsm.streams.info(stream);
  return consumers.filter(
    ({ delivered, ack_floor }) => Math.max(delivered.stream_seq, ack_floor.stream_seq) > state.last_seq,
  );
}

async function one(jsm: JetStreamManager, stream: string, durable: string): Promise<ConsumerInfo[]> {
  const info = await jsm.consumers.info(stream, durable).catch(onlyMissing);
  return info ? [info] : [];
}
