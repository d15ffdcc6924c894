/** One scenario from servers up to servers down, and its report with what it was measured on. */
import { cpus } from "node:os";
import { startBenchCluster } from "./cluster.ts";
import { currentCommit } from "./record/store.ts";
import type { AnyScenario, FullReport, Options } from "./scenario.ts";
import { startBenchStack } from "./stack.ts";

type Stop = () => Promise<void>;
/** What a signal ends; a second one ends the process at once, and its children notice that their servers are gone. */
const running = new Set<Stop>();

export function endOnSignal(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(
      signal,
      () => void Promise.all([...running].map(stop => stop())).then(() => process.exit(code)),
    );
  }
}

export async function execute(scenario: AnyScenario, options: Options): Promise<FullReport> {
  const at = new Date().toISOString();
  const commit = currentCommit();
  const report =
    "cluster" in scenario
      ? await on(startBenchCluster(scenario.cluster), cluster => scenario.run(cluster, options))
      : await on(startBenchStack(), stack => scenario.run(stack, options));
  return { scenario: scenario.name, commit, machine: machine(), at, quick: options.quick, ...report };
}

/** Hands over what was started, and stops it in any case. */
export async function on<T extends { stop: Stop }, R>(
  starting: Promise<T>,
  work: (started: T) => Promise<R>,
) {
  const started = await starting;
  const stop = () => started.stop();
  running.add(stop);
  try {
    return await work(started);
  } finally {
    running.delete(stop);
    await stop();
  }
}

export function machine(): FullReport["machine"] {
  const [first] = cpus();
  return { cores: cpus().length, model: first?.model.trim() ?? "unknown" };
}
