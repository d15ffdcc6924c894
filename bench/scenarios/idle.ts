/**
 * What the processes of an idle `tradewind` stack take: supervisor, two API nodes, keeper, three workers, mail catcher, Redis
 * front. Postgres, NATS, Redis and Meilisearch are told beside it. The sum is of proportional shares (PSS), in which a page
 * that several processes share counts once; the sum of resident sizes counts the program's own code once a process.
 */
import { memoryOf } from "../memory.ts";
import type { Case, ClusterScenario, Report } from "../scenario.ts";
import { median, round } from "../stats.ts";

const BAR_MB = 500;
/** After the start: until caches of the start are dropped and the first rounds of the keeper are through. */
const SETTLE_MS = 20_000;
const SAMPLES = 5;

export const idleScenario: ClusterScenario = {
  name: "idle",
  about: "memory of an idle stack without the database servers",
  seconds: 5,
  cluster: {},
  async run(cluster, { seconds, say }): Promise<Report> {
    say("idle: letting it settle");
    await Bun.sleep(SETTLE_MS);
    const samples: ReturnType<typeof memoryOf>[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      samples.push(memoryOf(cluster.processes()));
      await Bun.sleep((seconds * 1_000) / SAMPLES);
    }
    const sum = (ours: boolean, of: "rssMb" | "pssMb") =>
      median(samples.map(all => all.filter(one => one.ours === ours).reduce((mb, one) => mb + one[of], 0)));
    const [pss, rss] = [sum(true, "pssMb"), sum(true, "rssMb")];
    const last = samples.at(-1)!;
    const cases: Case[] = [
      {
        name: "all of ours",
        rssMb: Math.round(pss),
        target: `under ${BAR_MB} MB in total`,
        ok: pss < BAR_MB,
      },
      { name: "the sum of their resident sizes, shared pages counted by each", rssMb: Math.round(rss) },
      ...last.map(one => ({ name: one.name, rssMb: Math.round(one.rssMb) })),
    ];
    return {
      runs: 1,
      exact: samples.every(all => all.every(one => one.rssMb > 0)),
      ours: { perSecond: 0, rssMb: Math.round(pss) },
      limit: { name: "the bar", perSecond: 0, rssMb: BAR_MB },
      ofLimit: round(BAR_MB / pss),
      cases,
      notes: [
        `${last.filter(one => one.ours).length} processes of ours; the servers beside them take ${Math.round(sum(false, "rssMb"))} MB`,
      ],
    };
  },
};
