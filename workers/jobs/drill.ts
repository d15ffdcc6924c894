import { done, drills, fail, type Job } from "../../bus/index.ts";
import { defineJob, type JobContext, type JobDefinition } from "../handler.ts";

type Drill = { ms?: number; mb?: number; failures?: number; permanent?: boolean };

/** A sleep that takes longer tells how far it is. */
const TOLD_MS = 500;

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const shapes: Record<string, (job: Job<Drill>, context: JobContext) => Promise<ReturnType<typeof done>>> = {
  noop: async () => done(),
  sleep: async ({ payload }, { signal, progress }) => {
    // Written to, or the system gives no memory for it.
    const held = payload.mb ? Buffer.alloc(payload.mb * 1_048_576, 1) : null;
    const ms = payload.ms ?? 1_000;
    const since = performance.now();
    const told =
      ms < TOLD_MS ? undefined : setInterval(() => progress((performance.now() - since) / ms), TOLD_MS);
    await sleep(ms, signal).finally(() => clearInterval(told));
    held?.fill(0, 0, 1);
    return done();
  },
  fail: async ({ payload, attempt }) => {
    if (payload.permanent) return fail({ error: "the drill fails for good" });
    if (attempt <= (payload.failures ?? 1)) throw new Error("the drill fails this try");
    return done();
  },
  // Without `failures` it kills its process until it is taken for a killer.
  crash: async ({ payload }, { delivery }) => {
    if (delivery <= (payload.failures ?? Number.POSITIVE_INFINITY)) process.kill(process.pid, "SIGKILL");
    return done();
  },
};

/** The handlers of all drills, for every priority. */
export const drillJobs: readonly JobDefinition[] = drills.map(contract => {
  const shape = shapes[contract.kind.split(".")[1]!]!;
  return defineJob(contract, () => ({ run: shape }));
});
