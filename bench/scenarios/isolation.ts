/**
 * Latency of high jobs, from being queued to the end of their run, while 1,000,000 low jobs wait (100,000 with `--quick`) and
 * every low worker converts photographs; beside an idle machine (the limit). High jobs come at a fixed rate, whatever
 * becomes of those before.
 */
import sharp from "sharp";
import { createKey, createStore } from "../../commerce/stores/index.ts";
import { type JobSource, openJobSource } from "../jobs.ts";
import type { Figures, Report, Scenario } from "../scenario.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { round } from "../stats.ts";

const KIND = "drill.noop.high";
const LOW_KIND = "drill.sleep.low";
const PER_SECOND = 100;
const LOW_PROCESSES = 2;
const PHOTOGRAPHS = 16;

export const isolationScenario: Scenario = {
  name: "isolation",
  about: "latency of high jobs beside a million low ones and busy image workers, and on an idle machine",
  seconds: 10,
  async run(stack, { seconds, quick, say }) {
    const many = quick ? 100_000 : 1_000_000;
    const source = await openJobSource(stack);
    const store = await createStore(stack.sql, { name: "Bench", currency: "EUR" });
    const { key } = await createKey(stack.sql, { kind: "secret", storeId: store.id, name: "bench" });
    const api = await stack.startApi();
    const programs = [await stack.startKeeper(), await stack.startPool("high")];
    await measure(stack, source, 3);
    say("isolation: idle");
    const idle = await measure(stack, source, seconds);

    say(`isolation: ${many} low jobs`);
    await source.publish(LOW_KIND, many, { ms: 600_000 });
    for (let i = 0; i < LOW_PROCESSES; i++) programs.push(await stack.startPool("low"));
    const stop = await keepConverting(stack, api, key);
    const loaded = await measure(stack, source, seconds);
    const converted = await stop();
    const waiting = await source.waiting(LOW_KIND);
    const mostMs = round(2 * idle.p99Ms + 5);
    const exact = idle.exact && loaded.exact && waiting === many;
    await source.purge("low");
    await Promise.all(programs.map(program => program.stop()));
    await source.close();
    return {
      runs: 1,
      exact,
      ours: loaded.figures,
      limit: { name: "idle", ...idle.figures },
      ofLimit: round(idle.p99Ms / Math.max(loaded.p99Ms, 0.001)),
      cases: [
        {
          name: `p99 with ${many} low jobs and ${LOW_PROCESSES} processes at images`,
          ...loaded.figures,
          target: `p99 at most ${mostMs} ms (twice idle and 5 ms)`,
          ok: loaded.p99Ms <= mostMs,
        },
      ],
      notes: [`${converted} photographs were converted meanwhile`],
    } satisfies Report;
  },
};

type Latencies = { figures: Figures; p99Ms: number; exact: boolean };

/** Open loop; times are those of the ledger: when a job was queued, and when its run ended. */
async function measure(stack: BenchStack, source: JobSource, seconds: number): Promise<Latencies> {
  const count = Math.round(seconds * PER_SECOND);
  const from = new Date();
  const startedAt = performance.now();
  const published: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const waitMs = startedAt + (i * 1_000) / PER_SECOND - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    published.push(source.publishOne(KIND));
  }
  await Promise.all(published);
  await source.drained(KIND);
  const [row] = await stack.sql<{ done: number; p50: number; p95: number; p99: number }[]>`
    SELECT count(*)::int AS done, ${quantile(stack, 0.5)} AS p50, ${quantile(stack, 0.95)} AS p95, ${quantile(stack, 0.99)} AS p99
    FROM bus.job WHERE kind = ${KIND} AND status = 'done' AND queued_at >= ${from}`;
  const { done, p50, p95, p99 } = row!;
  const figures = { perSecond: PER_SECOND, p50Ms: round(p50), p95Ms: round(p95), p99Ms: round(p99) };
  return { figures, p99Ms: figures.p99Ms, exact: done === count };
}

function quantile({ sql }: BenchStack, share: number) {
  return sql`percentile_cont(${share}) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at) * 1000)::float8`;
}

/** Uploads photographs, each new to the store, so that some always wait. Resolves when workers are at it; then the way to stop. */
async function keepConverting(stack: BenchStack, api: ApiNode, key: string): Promise<() => Promise<number>> {
  const noise = Buffer.alloc(3_000 * 2_000 * 3, crypto.getRandomValues(new Uint8Array(65_521)));
  const photo = await sharp(noise, { raw: { width: 3_000, height: 2_000, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
  const state = { stopped: false };
  const count = async () => {
    const rows = await stack.sql<{ status: string; count: number }[]>`
      SELECT status, count(*)::int AS count FROM bus.job WHERE kind = 'image.convert' GROUP BY status`;
    return Object.fromEntries(rows.map(row => [row.status, row.count]));
  };
  const upload = async (n: number) => {
    const form = new FormData();
    // Bytes behind the end of a JPEG make it another file and the same picture.
    form.append("file", new Blob([photo, `${n}`], { type: "image/jpeg" }), `photo-${n}.jpg`);
    const url = `http://127.0.0.1:${api.port}/admin/media`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: form,
    });
    if (answer.status !== 202) throw new Error(`upload answered ${answer.status}: ${await answer.text()}`);
  };
  let sent = 0;
  async function feed(): Promise<void> {
    while (!state.stopped) {
      if (((await count()).queued ?? 0) < PHOTOGRAPHS / 2) await upload(sent++);
      else await Bun.sleep(200);
    }
  }
  for (; sent < PHOTOGRAPHS; ) await upload(sent++);
  while (((await count()).done ?? 0) < 1) await Bun.sleep(100);
  const before = (await count()).done ?? 0;
  const feeding = feed();
  return async () => {
    state.stopped = true;
    await feeding;
    return ((await count()).done ?? 0) - before;
  };
}
