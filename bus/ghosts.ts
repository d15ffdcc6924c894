/**
 * Deliveries of messages that are gone. A nats-server 2.9 that is killed may remember that a stream's message was removed and not that
 * it was acknowledged. The consumer then has it out for ever ("Received an error looking up message for consumer:
 * deleted message" in its log): it takes a place of the kind's cap, and as each attempt to hand it out again ends that turn of the server,
 * what waits behind it is handed out slowly, or not at all once nothing new comes.
 *
 * Which they are the stream tells, but not of all: what lies before its first message, for one. Of a consumer that stands still its messages
 * are therefore asked for one by one.
 *
 * A message that was removed can't be handed out to anybody, so to acknowledge it is always right, whoever does it how often;
 * and whose delivery is not out is left alone by the server. That is done here for consumers that have something out and have not
 * moved since the last look, and for all of them for a while after the server came back.
 */
import type { ConsumerInfo, JetStreamManager } from "nats";
import type { Log } from "../platform/log.ts";
import { acks } from "./acks.ts";
import type { Connection } from "./connection.ts";
import { consumersOf, onlyMissing, topologyStreams } from "./topology.ts";

const BACK_MS = 30_000;
/** Of removed messages in the middle of a stream: more of them make an answer of megabytes. They are fewer some time later. */
const MOST_REMOVED = 50_000;
const MOST_DISBELIEVED = 5_000;
/** Of a consumer that stands still, so many of its oldest are asked for in a turn, so many at once. */
const MOST_ASKED = 2_000;
const ASKED_AT_ONCE = 50;

/** A turn that acknowledges what it finds. Returns how many. */
export function ghosts({ connection, log }: { connection: Connection; log: Log }): () => Promise<number> {
  let backAtMs = Date.now();
  connection.onReconnect(() => {
    backAtMs = Date.now();
  });
  let before = new Set<string>();
  return async () => {
    if (!connection.connected) return 0;
    const isBack = Date.now() - backAtMs < BACK_MS;
    const seen = new Set<string>();
    let found = 0;
    for (const stream of topologyStreams) {
      const out = (await consumersOf(connection.jsm, stream)).filter(info => info.num_ack_pending > 0);
      const suspects = out.filter(info => isBack || before.has(standOf(info)));
      for (const info of out) seen.add(standOf(info));
      if (suspects.length > 0) found += await acknowledgeRemoved(connection, stream, suspects);
      for (const info of out)
        if (before.has(standOf(info))) found += await acknowledgeMissing(connection, info);
    }
    before = seen;
    if (found > 0) log.warn({ messages: found }, "deliveries of messages that are gone were acknowledged");
    return found;
  };
}

const standOf = ({ stream_name, name, delivered, ack_floor }: ConsumerInfo) =>
  [stream_name, name, delivered.consumer_seq, ack_floor.consumer_seq].join(" ");

/** Tells how many were out. */
async function acknowledgeRemoved(
  { nc, jsm }: Connection,
  stream: string,
  suspects: readonly ConsumerInfo[],
): Promise<number> {
  const { state } = await jsm.streams.info(stream);
  if (state.num_deleted === 0 || state.num_deleted > MOST_REMOVED) return 0;
  const { deleted = [] } = (await jsm.streams.info(stream, { deleted_details: true })).state;
  let found = 0;
  for (const { name, ack_floor, delivered, num_ack_pending } of suspects) {
    // What is out should lie above the floor; where it costs little, that is not believed either.
    const floor = deleted.length > MOST_DISBELIEVED ? ack_floor.stream_seq : 0;
    for (const seq of deleted)
      if (seq > floor && seq <= delivered.stream_seq) acks.ackStored(nc, { stream, durable: name, seq });
    await nc.flush();
    const now = await jsm.consumers.info(stream, name);
    // Others may have acknowledged theirs meanwhile; of a consumer that stands still nobody has.
    if (now.delivered.consumer_seq === delivered.consumer_seq)
      found += Math.max(0, num_ack_pending - now.num_ack_pending);
  }
  return found;
}

/** Those of a consumer that the stream does not have, whatever it says. Tells how many were out. */
async function acknowledgeMissing({ nc, jsm }: Connection, still: ConsumerInfo): Promise<number> {
  const { stream_name: stream, name, ack_floor, delivered } = still;
  const before = await jsm.consumers.info(stream, name);
  if (before.num_ack_pending === 0 || standOf(before) !== standOf(still)) return 0;
  const end = Math.min(delivered.stream_seq, ack_floor.stream_seq + MOST_ASKED);
  for (let from = ack_floor.stream_seq + 1; from <= end; from += ASKED_AT_ONCE) {
    const seqs = Array.from({ length: Math.min(ASKED_AT_ONCE, end - from + 1) }, (_, i) => from + i);
    const gone = await Promise.all(seqs.map(seq => isGone(jsm, stream, seq)));
    for (const [i, seq] of seqs.entries()) if (gone[i]) acks.ackStored(nc, { stream, durable: name, seq });
  }
  await nc.flush();
  const after = await jsm.consumers.info(stream, name);
  return Math.max(0, before.num_ack_pending - after.num_ack_pending);
}

/** Only what the server is sure of: an answer that does not come says nothing. */
function isGone(jsm: JetStreamManager, stream: string, seq: number): Promise<boolean> {
  return jsm.streams
    .getMessage(stream, { seq })
    .catch(onlyMissing)
    .then(
      message => message === null,
      () => false,
    );
}
