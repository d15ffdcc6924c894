/**
 * What a job costs when many wait: no-op jobs through one pool process with 1,000,000 of them waiting (100,000 with
 * `--quick`), beside the same with 10,000 waiting (the limit). Rates are taken over jobs that were done while at least that
 * many waited.
 */
import { type JobSource, openJobSource } from "../jobs.ts";
import type { Report, Scenario } from "../scenario.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const KIND = "drill.noop.low";
const FEW = 10_000;
const MOST_COST = 1.2;

export const backlogScenario: Scenario = {
  name: "backlog",
  about: "the cost of a job with a million waiting, beside ten thousand waiting",
  seconds: 5,
  async run(stack, { seconds, quick, say }) {
    const many = quick ? 100_000 : 1_000_000;
    const source = await openJobSource(stack);
    const pool = await stack.startPool("low");
    let published = 0;
    const fill = async (count: number) => {
      await source.pause(KIND, true);
      await source.publish(KIND, count);
      published += count;
    };
    await fill(40_000);
    await settleDown(source);

    const few: Measured[] = [];
    const rounds = quick ? 3 : 9;
    say(`backlog: ${rounds} times ${FEW} waiting`);
    for (let i = 0; i < rounds; i++) {
      // As many again on top: the rate counts while FEW still wait.
      await fill(2 * FEW);
      few.push(await rateAbove(source, FEW, 60));
      await settleDown(source);
    }
    say(`backlog: ${many} waiting`);
    const deep: Measured[] = [];
    await fill(many + (quick ? 20_000 : 100_000));
    deep.push(await rateAbove(source, many, seconds));
    await source.pause(KIND, true);
    say("backlog: until it is empty");
    await settleDown(source);
    const ledger = await source.ledger(KIND);
    await pool.stop();
    await source.close();
    const limit = figuresOf(few);
    const ours = figuresOf(deep);
    const cost = round(limit.perSecond / ours.perSecond);
    return {
      runs: 1,
      exact: ledger.done === published && Object.keys(ledger).length === 1,
      ours,
      limit: { name: `${FEW} waiting`, ...limit },
      ofLimit: round(ours.perSecond / limit.perSecond),
      cases: [
        {
          name: `cost of a job with ${many} waiting`,
          perSecond: ours.perSecond,
          target: `at most ${MOST_COST} of that with ${FEW} waiting (${cost})`,
          ok: cost <= MOST_COST,
        },
      ],
    } satisfies Report;
  },
};

/** Lets the pool go until `floor` wait or the time is over. */
async function rateAbove(source: JobSource, floor: number, mostSeconds: number): Promise<Measured> {
  const before = await source.waiting(KIND);
  const startedAt = performance.now();
  await source.pause(KIND, false);
  for (;;) {
    const left = await source.waiting(KIND);
    const seconds = (performance.now() - startedAt) / 1_000;
    if (left <= floor || seconds >= mostSeconds) return { count: before - left, seconds, latenciesMs: [] };
    await Bun.sleep(10);
  }
}

async function settleDown(source: JobSource): Promise<void> {
  await source.pause(KIND, false);
  await source.drained(KIND);
}
