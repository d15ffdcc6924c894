/**
 * Faults of a cluster of three NATS servers that keeps three copies of each stream: one may be lost at any time. All must be
 * well again while it is still away; then it comes back and catches up before the next fault.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsCluster, startNatsCluster } from "../../cluster/index.ts";
import { poll } from "../poll.ts";
import type { Fault, FaultContext, Inflicted } from "./fault.ts";
import { openWay, type Way } from "./proxy.ts";

export type BreakableNats = {
  readonly url: string;
  readonly cluster: NatsCluster;
  /** Resolves when everything that the stack makes there is copied. @throws Error when nobody is elected, as 2.9 does at times */
  ready(): Promise<void>;
  /** Nothing gets to it or from it, neither servers nor clients. */
  setCutOff(name: string, cut: boolean): void;
  stop(): Promise<void>;
};

/** The stream that checkouts' jobs go through. */
const STREAM = "HIGH";
/** Debian's 2.9 takes long to elect on a busy machine. */
const ELECTION_MS = 60_000;

/** Its files lie in a folder of their own, and its processes are not those of the stack. */
export async function startBreakableNats(bin: string | undefined): Promise<BreakableNats> {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-crash-nats-"));
  const ways: { ends: (string | null)[]; way: Way }[] = [];
  const to = async (port: number, { from, to }: { from: string | null; to: string }) => {
    const way = await openWay({ host: "127.0.0.1", port });
    ways.push({ ends: [from, to], way });
    return way.port;
  };
  const cluster = await startNatsCluster({ dir, bin, ways: { to } });
  return {
    url: cluster.url,
    cluster,
    ready: () => untilWhole(cluster),
    setCutOff(name, cut) {
      for (const { ends, way } of ways) if (ends.includes(name)) way.setShut(cut);
    },
    async stop() {
      await cluster.stop();
      await Promise.all(ways.map(({ way }) => way.close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const natsFaultNames = [
  "kill stream leader",
  "freeze stream leader",
  "cut off stream leader",
  "restart nats one by one",
] as const;

export function natsFaults(nats: BreakableNats): readonly Fault[] {
  const { cluster } = nats;
  const onLeader = async (
    { journal }: FaultContext,
    how: string,
    act: { harm(name: string): void; heal(name: string): unknown },
  ): Promise<Inflicted> => {
    const name = await poll("a leader", ELECTION_MS, () => cluster.leaderOf(STREAM));
    journal.fault(`${how} ${name}, which leads ${STREAM}`);
    act.harm(name);
    return {
      target: `nats leader, ${how}`,
      atMs: performance.now(),
      isBack: async () => ![null, name].includes(await cluster.leaderOf(STREAM)),
      async mend() {
        journal.fault(`${name} comes back`);
        await act.heal(name);
        await untilWhole(cluster);
      },
    };
  };
  const [kill, freeze, cut, restart] = natsFaultNames;
  return [
    {
      name: kill,
      inflict: context =>
        onLeader(context, "kill -9", {
          harm: name => cluster.signal(name, "SIGKILL"),
          heal: name => cluster.gone(name).then(() => cluster.start(name)),
        }),
    },
    {
      name: freeze,
      inflict: context =>
        onLeader(context, "SIGSTOP", {
          harm: name => cluster.signal(name, "SIGSTOP"),
          heal: name => cluster.signal(name, "SIGCONT"),
        }),
    },
    {
      name: cut,
      inflict: context =>
        onLeader(context, "cut off", {
          harm: name => nats.setCutOff(name, true),
          heal: name => nats.setCutOff(name, false),
        }),
    },
    { name: restart, inflict: context => restartEach(context, cluster) },
  ];
}

async function untilWhole(cluster: NatsCluster): Promise<void> {
  await poll("three servers that keep up", ELECTION_MS, cluster.isWhole);
}

async function restartEach({ journal }: FaultContext, cluster: NatsCluster): Promise<Inflicted> {
  for (const name of cluster.names) {
    journal.fault(`SIGTERM ${name}`);
    cluster.signal(name, "SIGTERM");
    await cluster.gone(name);
    cluster.start(name);
    await untilWhole(cluster);
  }
  return { target: "nats servers restarted one by one", atMs: performance.now(), isBack: () => true };
}
