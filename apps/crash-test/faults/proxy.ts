/**
 * A way to a server that breaks: it passes bytes on, and `cut` ends its connections at once, in the middle of what they
 * carry. With `afterBytes` each connection is cut when so much of an answer has gone through: in the middle of a reply.
 */
import { connect, createServer, type Socket } from "node:net";

export type Way = {
  readonly port: number;
  /** Cuts what stands now; returns how many connections. */
  cut(): number;
  /** From now on, cuts each connection after so many bytes of answers; undefined: none. */
  cutAfter(bytes: number | undefined): void;
  /** Shut: what stands is cut, and nobody gets through. */
  setShut(shut: boolean): void;
  close(): Promise<void>;
};

export async function openWay(target: { host: string; port: number }): Promise<Way> {
  const open = new Set<Socket>();
  let limit: number | undefined;
  let isShut = false;
  const server = createServer(client => {
    if (isShut) return void client.destroy();
    const upstream = connect(target);
    let passed = 0;
    const end = () => {
      client.destroy();
      upstream.destroy();
      open.delete(client);
    };
    open.add(client);
    upstream.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      if (limit === undefined || passed <= limit) return pass(chunk, upstream, client);
      client.write(chunk.subarray(0, Math.max(0, chunk.length - (passed - limit))), end);
    });
    client.on("data", (chunk: Buffer) => pass(chunk, client, upstream));
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    const count = open.size;
    for (const socket of open) socket.destroy();
    return count;
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    cutAfter(bytes) {
      limit = bytes;
    },
    setShut(shut) {
      isShut = shut;
      if (shut) cut();
    },
    close() {
      cut();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}

/** Whoever sends to one that does not read is to feel it, as on a network: it must not pile up here. */
function pass(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}
