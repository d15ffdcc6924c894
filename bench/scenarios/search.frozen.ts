/**
 * The engine's process stops, as on a machine that has no time for it, and goes on later, while one shopper searches without a pause:
 * how long until answers do not wait for it any more, and until it is asked again. No query twice, so no answer is given again.
 */
import { HttpConnection } from "../load/connection.ts";
import type { Case } from "../scenario.ts";
import { median, percentile } from "../stats.ts";

/** An answer that took less did not wait for the engine, which is given 300 ms. */
const WAITED_MS = 200;
const GIVE_UP_MS = 10_000;

type Searched = { engine: string; askedAtMs: number; tookMs: number };

export async function frozen(
  engine: { pid: number },
  node: { port: number; request(): string },
  rounds: number,
): Promise<Case[]> {
  const connection = await HttpConnection.open(node.port);
  const search = async (): Promise<Searched> => {
    const askedAtMs = performance.now();
    const { status, body } = await connection.send(node.request());
    if (status !== 200) throw new Error(`answered ${status}: ${body}`);
    return {
      engine: (JSON.parse(body) as { engine: string }).engine,
      askedAtMs,
      tookMs: performance.now() - askedAtMs,
    };
  };
  const decided: number[] = [];
  const back: number[] = [];
  try {
    for (let i = 0; i < rounds; i++) {
      await first(search, one => one.engine === "meilisearch");
      const stopped = signal(engine.pid, "SIGSTOP");
      const quick = await first(search, one => one.engine === "postgres" && one.tookMs < WAITED_MS);
      decided.push(quick.askedAtMs - stopped);
      const goesOn = signal(engine.pid, "SIGCONT");
      const own = await first(search, one => one.engine === "meilisearch");
      back.push(own.askedAtMs - goesOn);
    }
  } finally {
    process.kill(engine.pid, "SIGCONT");
    connection.close();
  }
  return [
    {
      name: "the engine stops: until no answer waits for it",
      ...latencies(decided),
      target: "within 1 s",
      ok: Math.max(...decided) <= 1_000,
    },
    { name: "the engine goes on: until it answers again", ...latencies(back) },
  ];
}

function latencies(latenciesMs: readonly number[]) {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return { p50Ms: Math.round(median(sorted)), p95Ms: Math.round(percentile(sorted, 0.95)) };
}

function signal(pid: number, name: NodeJS.Signals): number {
  process.kill(pid, name);
  return performance.now();
}

async function first(search: () => Promise<Searched>, is: (one: Searched) => boolean): Promise<Searched> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const one = await search();
    if (is(one)) return one;
    if (performance.now() > deadline) throw new Error(`still answered by ${one.engine}`);
  }
}
