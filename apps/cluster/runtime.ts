/**
 * How Bun is set for our processes, which run for days ([decision 161](../../docs/decisions/0161-fewer-compilations.md)).
 *
 * By default JavaScriptCore compiles a function anew after 1,000 and again after 100,000 points of use. A dozen processes with
 * thousands of functions that are used a little each go on compiling for minutes, on processors that customers wait for: a tenth of all
 * processor time of a busy shop. What is truly hot gets there all the same, some seconds later.
 */
const LATE: Readonly<Record<string, string>> = {
  BUN_JSC_thresholdForOptimizeAfterWarmUp: "5000",
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: "1000000",
};

/** Customers wait for API nodes, also in the first seconds of a rush: theirs is compiled as soon as it can be. */
const FRONT = /^apps\/api\//;

/**
 * Stand-ins with little to do: the last compiler, which takes 2 to 3 MB of Bun's program when it is first used, some minutes after the
 * start, is a tenth of their memory and no gain.
 */
const STAND_IN = /^apps\/(mailcatcher|redis-rest)\//;
const WITHOUT_LAST: Readonly<Record<string, string>> = { ...LATE, BUN_JSC_useFTLJIT: "false" };

/** The variables for the program at this path below the project. */
export function runtimeEnv(entry: string): Readonly<Record<string, string>> {
  if (FRONT.test(entry)) return {};
  return STAND_IN.test(entry) ? WITHOUT_LAST : LATE;
}
