/**
 * nats-server with JetStream. The stack's own server has one user; a test server has many accounts, each with a
 * JetStream of its own, so that tests that run side by side do not see one another.
 *
 * `sync_interval` is left alone: Debian's 2.9 refuses it. docs/operations.md says what production needs.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { connect, type JetStreamManager } from "nats";
import { findBinary } from "./binaries.ts";
import { plainEnv, type RunningServer, type ServerContext, startServer } from "./server.ts";

/** User names of the test server are `t0` … `t<n-1>`. */
export type NatsOptions = { secret: string; bin?: string | undefined; accounts?: number };

/** Where it keeps its streams. */
export const jetStreamFolder = (dataDir: string) => join(dataDir, "jetstream");

export async function startNats(context: ServerContext, options: NatsOptions): Promise<RunningServer> {
  const bin = await findBinary("nats-server", { explicit: options.bin, dir: context.binDir });
  const dataDir = resolve(context.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const user = options.accounts ? "t0" : "tradewind";
  return startServer(context, {
    name: "nats",
    launch: async port => {
      const file = join(dataDir, "nats.conf");
      await writeFile(file, configuration(dataDir, port, options), { mode: 0o600 });
      return { command: [bin.path, "-c", file], env: plainEnv(bin.env) };
    },
    url: port => `nats://${user}:${options.secret}@127.0.0.1:${port}`,
    ready: answers,
  });
}

function configuration(dataDir: string, port: number, options: NatsOptions): string {
  return `
server_name: tradewind
listen: "127.0.0.1:${port}"
max_payload: 1MB
write_deadline: "10s"
jetstream {
  store_dir: "${jetStreamFolder(dataDir)}"
  max_memory_store: 256MB
  max_file_store: 50GB
}
${options.accounts ? accounts(options.accounts, options.secret) : `authorization { user: "tradewind", password: "${options.secret}" }`}
`;
}

function accounts(count: number, secret: string): string {
  const one = (i: number) =>
    `  T${i} { jetstream: enabled, users: [{ user: "t${i}", password: "${secret}" }] }`;
  return `accounts {\n${Array.from({ length: count }, (_, i) => one(i)).join("\n")}\n}`;
}

const answers = (url: string) => asked(url, async manager => void (await manager.getAccountInfo()));

/** Whether each of its streams answers: one whose disk was full may be locked while all else answers. */
export const natsIsWell = (url: string) =>
  asked(url, async manager => {
    for await (const stream of manager.streams.list()) await manager.streams.info(stream.config.name);
  });

async function asked(url: string, ask: (manager: JetStreamManager) => Promise<void>): Promise<boolean> {
  const { hostname, port, username, password } = new URL(url);
  const connection = await connect({
    servers: `${hostname}:${port}`,
    user: username,
    pass: password,
    timeout: 2_000,
    reconnect: false,
  });
  try {
    await ask(await connection.jetstreamManager());
    return true;
  } finally {
    await connection.close();
  }
}
