import type { Bus, Cancellations, Settler } from "../bus/index.ts";
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import type { Tracer } from "../platform/tracing/index.ts";
import type { Downstreams } from "./downstreams/index.ts";
import type { Gate } from "./gate.ts";
import type { MachineSlots } from "./machine-slots.ts";
import type { PoolMetrics } from "./pool-metrics.ts";

/** What the runners of a process share. */
export type RunnerDeps = {
  readonly bus: Bus;
  readonly sql: Db;
  readonly log: Log;
  readonly gate: Gate;
  readonly settler: Settler;
  readonly slots: MachineSlots;
  readonly metrics: PoolMetrics;
  readonly tracer: Tracer;
  readonly downstreams: Downstreams;
  readonly worker: string;
  readonly cancellations: Pick<Cancellations, "size" | "reasonFor">;
};
