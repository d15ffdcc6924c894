/** Closed loop: each client sends its next request when it has the answer to the last. */
import type { Measured } from "../stats.ts";
import { type Answer, HttpConnection } from "./connection.ts";

export type ClosedLoop = {
  ports: readonly number[];
  clients: number;
  /** Ends after this time, or when `next` has nothing more. */
  seconds: number;
  /** The bytes of the next request; undefined when there is no more. */
  next(): string | undefined;
  onAnswer(answer: Answer): void;
};

export async function closedLoop(load: ClosedLoop): Promise<Measured> {
  const connections = await Promise.all(
    Array.from({ length: load.clients }, (_, i) => HttpConnection.open(load.ports[i % load.ports.length]!)),
  );
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const deadline = startedAt + load.seconds * 1_000;
  async function client(connection: HttpConnection): Promise<void> {
    for (;;) {
      const sentAt = performance.now();
      if (sentAt >= deadline) return;
      const request = load.next();
      if (request === undefined) return;
      const answer = await connection.send(request);
      latenciesMs.push(performance.now() - sentAt);
      load.onAnswer(answer);
    }
  }
  try {
    await Promise.all(connections.map(client));
  } finally {
    for (const connection of connections) connection.close();
  }
  return { count: latenciesMs.length, seconds: (performance.now() - startedAt) / 1_000, latenciesMs };
}

/** The same without HTTP: `clients` callers of one function. */
export async function closedCalls(
  clients: number,
  seconds: number,
  call: () => Promise<unknown>,
): Promise<Measured> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const deadline = startedAt + seconds * 1_000;
  async function client(): Promise<void> {
    for (let at = performance.now(); at < deadline; ) {
      await call();
      const now = performance.now();
      latenciesMs.push(now - at);
      at = now;
    }
  }
  await Promise.all(Array.from({ length: clients }, client));
  return { count: latenciesMs.length, seconds: (performance.now() - startedAt) / 1_000, latenciesMs };
}
