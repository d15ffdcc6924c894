import type { ConsumerInfo } from "nats";
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { filterOf, streamOf } from "./topology.ts";

/**
 * Age of the first message that no process was given; null when there is none. Those that are held have their turn soon,
 * and those that run don't wait: the first message of the stream may be of a job that takes an hour.
 */
export async function undeliveredMs(
  connection: Connection,
  contract: Contract,
  info: ConsumerInfo,
): Promise<number | null> {
  if (info.num_pending === 0) return null;
  const seq = info.delivered.stream_seq + 1;
  const query = { seq, next_by_subj: filterOf(contract) } as unknown as { seq: number };
  const message = await connection.jsm.streams
    .getMessage(streamOf(contract.priority), query)
    .catch(() => null);
  return message ? Math.max(0, Date.now() - message.time.getTime()) : null;
}
