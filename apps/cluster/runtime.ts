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

/** The variables for the program at this path below the project. */
export function runtimeEnv(entry: string): Readonly<Record<string, string>> {
  return FRONT.test(entry) ? {} : LATE;
}
