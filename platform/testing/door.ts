import type { Socket } from "bun";

export type Door = {
  readonly port: number;
  /** Nobody listens and connections are cut: to clients as if the server had been killed. */
  shut(): void;
  open(): void;
  /** No byte gets through, either way, until {@link Door.thaw}. */
  freeze(): void;
  thaw(): void;
};

/** A way to a server, on a port of its own, that can be shut or frozen while the server lives. */
export function openDoor({ hostname, port: targetPort }: URL): Door {
  const pairs = new Map<Socket, Promise<Socket>>();
  let held: (() => void)[] | null = null;
  const pass = (send: () => void) => void (held ? held.push(send) : send());
  /** Nothing, when the server is not there. */
  const to = (client: Socket, send: (server: Socket) => void) => pairs.get(client)?.then(send, () => {});
  const listen = (port: number) =>
    Bun.listen({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(client) {
          const data = (_: Socket, bytes: Buffer) => pass(() => void client.write(bytes));
          const target = { hostname, port: Number(targetPort) };
          const close = () => void client.end();
          const server = Bun.connect({ ...target, socket: { data, close } });
          server.catch(close);
          pairs.set(client, server);
        },
        data: (client, bytes) => pass(() => void to(client, server => server.write(bytes))),
        close(client) {
          void to(client, server => server.end());
          pairs.delete(client);
        },
      },
    });
  let listener = listen(0);
  const { port } = listener;
  return {
    port,
    shut: () => listener.stop(true),
    open() {
      listener = listen(port);
    },
    freeze() {
      held = [];
    },
    thaw() {
      const sends = held ?? [];
      held = null;
      for (const send of sends) send();
    },
  };
}
