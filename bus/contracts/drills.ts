import { Type } from "@sinclair/typebox";
import { type Contract, defineContract, priorities } from "./contract.ts";

/**
 * Jobs without an effect on the shop, for drills and tests in a running cluster: `drill.noop`, `drill.sleep` (`ms`, holding `mb` of
 * memory meanwhile),
 * `drill.fail` (fails `failures` times, or always when `permanent`) and `drill.crash` (kills its process `failures`
 * times), one of each per priority.
 */
const schema = Type.Object(
  {
    ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
    mb: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_536 })),
    failures: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    permanent: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const shapes = [
  { drill: "noop", concurrency: 64, prefetch: 3_000, cap: 10_000, timeoutMs: 30_000 },
  { drill: "sleep", concurrency: 10, prefetch: 10, cap: 100, timeoutMs: 660_000 },
  { drill: "fail", concurrency: 10, prefetch: 10, cap: 100, timeoutMs: 30_000 },
  { drill: "crash", concurrency: 1, prefetch: 1, cap: 10, timeoutMs: 30_000 },
] as const;

export const drills: readonly Contract<typeof schema>[] = priorities.flatMap(priority =>
  shapes.map(({ drill, ...limits }) =>
    defineContract({
      kind: `drill.${drill}.${priority}`,
      version: 1,
      schema,
      priority,
      maxTries: 5,
      backoff: { baseMs: 100, maxMs: 2_000 },
      keepDays: { done: 1, dead: 7 },
      ...limits,
      key: () => `drill:${drill}`,
    }),
  ),
);
