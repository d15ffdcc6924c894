/** No-op jobs in bulk, put into JetStream as the relay would, and what became of them. */
import {
  type Connection,
  contractOf,
  durableOf,
  encode,
  openBus,
  type Priority,
  streamOf,
} from "../bus/index.ts";
import { createLog } from "../platform/log.ts";
import { newTraceparent } from "../platform/trace.ts";
import type { BenchStack } from "./stack.ts";

const IN_FLIGHT = 1_000;

export type JobSource = Awaited<ReturnType<typeof openJobSource>>;

export async function openJobSource(stack: BenchStack) {
  const log = createLog({ level: "warn", process: "bench" });
  const bus = openBus({ url: stack.natsUrl, name: "bench", log, sql: stack.sql });
  await bus.ready;
  const { connection } = bus;
  return {
    bus,
    /** Publishes `count` jobs of a kind, payload as given; resolves when all are stored. */
    publish: (kind: string, count: number, payload: object = {}) => publish(connection, kind, count, payload),
    /** One job now; resolves when it is stored. */
    publishOne: (kind: string, payload: object = {}) => publish(connection, kind, 1, payload),
    /** Waits until every message of the kind is acknowledged. */
    async drained(kind: string): Promise<void> {
      const { priority } = contractOf(kind)!;
      for (;;) {
        const info = await connection.jsm.consumers.info(streamOf(priority), durableOf(kind));
        if (info.num_pending + info.num_ack_pending === 0) return;
        await Bun.sleep(20);
      }
    },
    /** How many of the kind wait or run. */
    async waiting(kind: string): Promise<number> {
      const { priority } = contractOf(kind)!;
      const info = await connection.jsm.consumers.info(streamOf(priority), durableOf(kind));
      return info.num_pending + info.num_ack_pending;
    },
    purge: (priority: Priority) => connection.jsm.streams.purge(streamOf(priority)),
    pause: async (kind: string, paused: boolean) => {
      await bus.setKind(contractOf(kind)!, { paused });
    },
    /** Rows of the ledger by status. */
    async ledger(kind: string): Promise<Record<string, number>> {
      const rows = await stack.sql<{ status: string; count: number }[]>`
        SELECT status, count(*)::int AS count FROM bus.job WHERE kind = ${kind} GROUP BY status`;
      return Object.fromEntries(rows.map(row => [row.status, row.count]));
    },
    close: () => bus.close(),
  };
}

async function publish(connection: Connection, kind: string, count: number, payload: object): Promise<void> {
  const contract = contractOf(kind)!;
  for (let sent = 0; sent < count; sent += IN_FLIGHT) {
    const some = Array.from({ length: Math.min(IN_FLIGHT, count - sent) });
    await Promise.all(
      some.map(() => {
        const message = encode({
          id: Bun.randomUUIDv7(),
          kind,
          version: contract.version,
          priority: contract.priority,
          storeId: "-",
          key: contract.key(payload),
          attempt: 1,
          traceparent: newTraceparent(),
          payload,
          queuedAtMs: Date.now(),
        });
        const { subject, data, headers, msgID } = message;
        return connection.js.publish(subject, data, { headers, msgID });
      }),
    );
  }
}

export async function rssMb(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}
