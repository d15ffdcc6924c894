import { ErrorCode, NatsError } from "nats";
import { BusUnavailable, type Connection } from "./connection.ts";

/** People and API nodes wait for it; JetStream's own limit allows for an election. */
const PATIENCE_MS = 1_800;

const lost = new Set<string>([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionClosed,
  ErrorCode.ConnectionDraining,
]);

/** @throws BusUnavailable when NATS is away, or does not answer in time. What was asked of it may still happen. */
export async function answered<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  if (!connection.connected) throw new BusUnavailable();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new BusUnavailable()), PATIENCE_MS);
  try {
    return await Promise.race([work(), late.promise]);
  } catch (error) {
    throw error instanceof NatsError && lost.has(error.code) ? new BusUnavailable() : error;
  } finally {
    clearTimeout(timer);
  }
}
