/**
 * No-op jobs through one pool process, ledger on: each is decoded, run, written to the ledger and acknowledged. Beside it
 * the bare client's loop over as many messages (the limit), and three other systems, each a process of its own at its
 * fastest durable settings. All take from a queue that was filled before. The memory of the pool process as well.
 *
 * Exact: the ledger has one row for each job, all of them `done`, and the queue is empty.
 */
import { type JobSource, openJobSource, rssMb } from "../jobs.ts";
import type { PeerRun } from "../peers/peer.ts";
import type { Case, Peer, Report, Scenario } from "../scenario.ts";
import type { BenchStack } from "../stack.ts";
import { figuresOf, type Measured, median, ratioOf, round } from "../stats.ts";

const KIND = "drill.noop.low";
const LEAST = 0.6;
const peers = [
  { name: "bullmq", entry: "bench/peers/bullmq.ts", target: 3, share: 0.25 },
  { name: "graphile-worker", entry: "bench/peers/graphile.ts", target: 1.5, share: 0.5 },
  { name: "bunqueue", entry: "bench/peers/bunqueue.ts", target: 8, share: 0.1 },
] as const;

export const jobsScenario: Scenario = {
  name: "jobs",
  about: "no-op jobs through one pool process with its ledger, beside the bare client and other job systems",
  seconds: 10,
  async run(stack, { seconds, quick, say }) {
    const runs = quick ? 1 : 3;
    const count = Math.round(seconds * 33_000);
    const source = await openJobSource(stack);
    const pool = await stack.startPool("low");
    await Bun.sleep(2_000);
    const idleMb = await rssMb(pool.pid);
    say("jobs: warming up");
    const warm = await drain(source, quick ? 40_000 : 100_000);
    const warmMb = await rssMb(pool.pid);

    const ours: Measured[] = [];
    const limits: Measured[] = [];
    // Right after work: while others are measured it gives memory back.
    let endMb = 0;
    const rivals = peers.map(peer => ({ ...peer, version: "", rates: [] as number[] }));
    for (let i = 0; i < runs; i++) {
      say(`jobs: run ${i + 1} of ${runs}, ${count} jobs`);
      limits.push(
        asMeasured(await stack.runPeer<PeerRun>("bench/peers/nats.ts", [stack.natsUrl, String(count)])),
      );
      ours.push(await drain(source, count));
      endMb = await rssMb(pool.pid);
      for (const rival of rivals) await runPeer(stack, count, rival);
      // One of them works in our database: what it left to be written is not ours to pay for.
      await stack.sql`CHECKPOINT`;
    }
    const total = [warm, ...ours].reduce((sum, one) => sum + one.count, 0);
    const exact = isExact(await source.ledger(KIND), total) && (await source.waiting(KIND)) === 0;
    await pool.stop();
    const figures = figuresOf(ours);
    const limit = figuresOf(limits);
    const others = rivals.map(rival => peerOf(rival, figures.perSecond));
    await source.close();
    return {
      runs,
      exact,
      ours: { ...figures, rssMb: endMb },
      limit: { name: "nats for-await consume+ack, 1,000 prefetched", ...limit },
      ofLimit: round(figures.perSecond / limit.perSecond),
      peers: others,
      cases: casesOf({ figures, limit, others, idleMb, warmMb, endMb, total }),
      notes: [`${total} jobs, ledger rows counted; the limit is a process without a ledger`],
    } satisfies Report;
  },
  ratio: {
    bar: LEAST,
    async measure(stack, seconds) {
      const count = Math.round(seconds * 15_000);
      const source = await openJobSource(stack);
      const pool = await stack.startPool("low");
      const before = (await source.ledger(KIND)).done ?? 0;
      await drain(source, 20_000);
      let total = 20_000;
      const ratio = await ratioOf(
        () => {
          total += count;
          return drain(source, count);
        },
        async () =>
          asMeasured(await stack.runPeer<PeerRun>("bench/peers/nats.ts", [stack.natsUrl, String(count)])),
      );
      if (!isExact(await source.ledger(KIND), before + total))
        throw new Error("jobs: not every job was done once");
      await pool.stop();
      await source.close();
      return ratio;
    },
  },
};

/** Fills the queue while the kind is paused, then measures until the last acknowledgement. */
async function drain(source: JobSource, count: number): Promise<Measured> {
  await source.pause(KIND, true);
  await source.publish(KIND, count);
  const startedAt = performance.now();
  await source.pause(KIND, false);
  await source.drained(KIND);
  return { count, seconds: (performance.now() - startedAt) / 1_000, latenciesMs: [] };
}

const asMeasured = (run: PeerRun): Measured => ({ count: run.done, seconds: run.seconds, latenciesMs: [] });

const isExact = (ledger: Record<string, number>, total: number) =>
  Object.keys(ledger).length === 1 && ledger.done === total;

type Rival = (typeof peers)[number] & { version: string; rates: number[] };

async function runPeer(stack: BenchStack, count: number, rival: Rival): Promise<void> {
  const address = { bullmq: stack.redisUrl, "graphile-worker": stack.databaseUrl, bunqueue: stack.dir };
  const args = [address[rival.name], String(Math.round(count * rival.share))];
  const run = await stack.runPeer<PeerRun>(rival.entry, args);
  rival.rates.push(run.done / run.seconds);
  rival.version = run.version;
}

function peerOf({ name, version, rates }: Rival, ours: number): Peer {
  const perSecond = Math.round(median(rates));
  return { name, version, perSecond, ratio: round(ours / perSecond) };
}

type Outcome = {
  figures: { perSecond: number };
  limit: { perSecond: number };
  others: readonly Peer[];
  idleMb: number;
  warmMb: number;
  endMb: number;
  total: number;
};

function casesOf({ figures, limit, others, idleMb, warmMb, endMb, total }: Outcome): Case[] {
  const ofLimit = round(figures.perSecond / limit.perSecond);
  const growth = round((endMb / warmMb - 1) * 100, 1);
  return [
    { name: "of the bare loop", ofLimit, target: `${LEAST} of the limit`, ok: ofLimit >= LEAST },
    ...others.map(({ name, version, perSecond, ratio }, i) => ({
      name: `${name} ${version}`,
      perSecond,
      target: `ours ${peers[i]!.target} times as fast (${ratio})`,
      ok: ratio >= peers[i]!.target,
    })),
    { name: "memory, idle", rssMb: idleMb, target: "under 70 MB", ok: idleMb < 70 },
    {
      name: `memory after ${total} jobs`,
      rssMb: endMb,
      target: `within 10 % of ${warmMb} MB, after the warm-up (${growth} %)`,
      ok: Math.abs(growth) <= 10,
    },
  ];
}
