/**
 * Three NATS servers on this machine, for trying what a cluster of three machines does: killed, frozen, cut off and started
 * again one by one. For tests and `crash-test --nats-cluster` only; production's servers are run by whoever runs them.
 *
 * Clients are not told of other addresses than those they got (`no_advertise`), and servers reach one another over the
 * configured routes only, so that ways in between can be shut.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { type ClusterInfo, connect, type JetStreamManager } from "nats";
import { freePort } from "../ports.ts";
import { findBinary } from "./binaries.ts";

const SIZE = 3;
const ASK_MS = 2_000;

export type NatsCluster = {
  /** All three, as in `NATS_URL`. */
  readonly url: string;
  readonly names: readonly string[];
  /** The server that leads a stream, or null while none does. Asks any server that answers. */
  leaderOf(stream: string): Promise<string | null>;
  /** Every stream and every consumer has a leader, and all copies of streams take part. */
  isWhole(): Promise<boolean>;
  /** Sends a signal: SIGKILL, SIGTERM, SIGSTOP, SIGCONT. */
  signal(name: string, signal: NodeJS.Signals): void;
  /** Resolves when the server's process is gone. */
  gone(name: string): Promise<unknown>;
  /** Starts a server that is gone, on its files and ports. */
  start(name: string): void;
  stop(): Promise<void>;
};

/** Where somebody is sent in place of a server's own port. */
export type Ways = {
  /** `from` is null for clients. */
  to(port: number, ends: { from: string | null; to: string }): Promise<number>;
};

const direct: Ways = { to: async port => port };

/** `dir`: a folder for the servers' files, which the caller removes. */
export async function startNatsCluster(options: {
  dir: string;
  bin?: string | undefined;
  ways?: Ways;
}): Promise<NatsCluster> {
  const { dir, bin, ways = direct } = options;
  const binary = await findBinary("nats-server", { explicit: bin, dir });
  const servers = await Promise.all(
    Array.from({ length: SIZE }, async (_, i) => {
      const [client, route] = await Promise.all([freePort(), freePort()]);
      const name = `n${i + 1}`;
      return { name, client, route, way: await ways.to(client, { from: null, to: name }) };
    }),
  );
  const processes = new Map<string, Subprocess>();
  for (const { name, client, route } of servers) {
    const others = servers.filter(one => one.name !== name);
    const routes = await Promise.all(others.map(one => ways.to(one.route, { from: name, to: one.name })));
    await mkdir(join(dir, name), { recursive: true });
    await writeFile(
      join(dir, `${name}.conf`),
      `server_name: ${name}
listen: "127.0.0.1:${client}"
jetstream { store_dir: "${join(dir, name)}" }
cluster {
  name: tradewind
  listen: "127.0.0.1:${route}"
  no_advertise: true
  routes: [${routes.map(port => `"nats://127.0.0.1:${port}"`).join(", ")}]
}`,
    );
  }
  const start = (name: string) => {
    const log = Bun.file(join(dir, `${name}.log`));
    const command = [binary.path, "-c", join(dir, `${name}.conf`)];
    processes.set(name, Bun.spawn(command, { env: binary.env, stdout: "ignore", stderr: log }));
  };
  for (const { name } of servers) start(name);
  const ask = <T>(question: (manager: JetStreamManager) => Promise<T>) =>
    Promise.any(servers.map(({ way }) => askOne(way, question)));
  return {
    url: servers.map(({ way }) => `nats://127.0.0.1:${way}`).join(","),
    names: servers.map(({ name }) => name),
    leaderOf: stream =>
      ask(async manager => (await manager.streams.info(stream)).cluster?.leader || Promise.reject()).catch(
        () => null,
      ),
    isWhole: () => ask(async manager => (await groupsOf(manager)).every(isWhole)).catch(() => false),
    signal: (name, signal) => processes.get(name)!.kill(signal),
    gone: name => processes.get(name)!.exited,
    start,
    async stop() {
      // SIGKILL reaches frozen ones too.
      for (const process of processes.values()) process.kill("SIGKILL");
      await Promise.all([...processes.values()].map(process => process.exited));
    },
  };
}

async function askOne<T>(port: number, question: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: ASK_MS });
  try {
    return await question(await connection.jetstreamManager({ checkAPI: false, timeout: ASK_MS }));
  } finally {
    await connection.close();
  }
}

/**
 * Each stream and each consumer elects and is copied by itself. (Of an idle consumer 2.9 may say for ever that the copy on a
 * server that was started again is not current: of consumers only the leader is looked at.)
 */
async function groupsOf(manager: JetStreamManager): Promise<Group[]> {
  const groups: Group[] = [];
  for await (const { config, cluster } of manager.streams.list()) {
    groups.push({ copies: config.num_replicas, cluster });
    // One without a name lives as long as its client.
    for await (const one of manager.consumers.list(config.name))
      if (one.config.durable_name) groups.push({ copies: 1, cluster: one.cluster });
  }
  if (groups.length === 0) throw new Error("no streams yet");
  return groups;
}

type Group = { copies: number; cluster: ClusterInfo | undefined };

function isWhole({ copies, cluster }: Group): boolean {
  const current = cluster?.replicas?.filter(one => one.current && !one.offline) ?? [];
  return Boolean(cluster?.leader) && current.length >= copies - 1;
}
