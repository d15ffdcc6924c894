import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Socket } from "bun";
import { testServers } from "../testing/index.ts";
import { connect, type Db } from "./index.ts";

let door: Door;
let db: Db;
beforeEach(async () => {
  const url = new URL((await testServers()).adminUrl);
  door = openDoor(new URL(url));
  url.host = `127.0.0.1:${door.port}`;
  db = connect(url.href, { max: 4, application: "test" });
});
afterEach(async () => {
  await db.end({ timeout: 1 });
  door.shut();
});

type Door = { readonly port: number; shut(): void; open(): void };

/** A way to the server that can be shut, which is to its clients as if the server had been killed. */
function openDoor(target: URL): Door {
  const pairs = new Map<Socket, Promise<Socket>>();
  const listen = (port: number) =>
    Bun.listen({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(client) {
          const data = (_: Socket, bytes: Buffer) => void client.write(bytes);
          const server = { hostname: target.hostname, port: Number(target.port) };
          pairs.set(client, Bun.connect({ ...server, socket: { data, close: () => void client.end() } }));
        },
        data: (client, bytes) => void pairs.get(client)?.then(server => server.write(bytes)),
        close(client) {
          void pairs.get(client)?.then(server => server.end());
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
  };
}

async function slowestMs(statements: Promise<unknown>[]): Promise<number> {
  const since = performance.now();
  await Promise.allSettled(statements);
  return performance.now() - since;
}

test("while the server is away every statement is refused soon, and the pool is back soon after it", async () => {
  const ask = (count: number) => Array.from({ length: count }, async () => void (await db`SELECT 1`));
  await Promise.all(ask(20));
  door.shut();
  for (let round = 0; round < 12; round++) {
    const asked = ask(100);
    expect(await slowestMs(asked)).toBeLessThan(1_500);
  }
  door.open();
  const since = performance.now();
  await Promise.allSettled(ask(20));
  await Promise.all(ask(20));
  expect(performance.now() - since).toBeLessThan(1_500);
}, 60_000);
