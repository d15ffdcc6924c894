import type { Bus } from "../../bus/index.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Db } from "../../platform/postgres/index.ts";
import type { Tracer } from "../../platform/tracing/index.ts";

/** What routes get. Each route file exports `(deps: ApiDeps) => Elysia` and makes its services from this. */
export type ApiDeps = {
  readonly config: Config;
  readonly sql: Db;
  /** A connection for what must not wait behind requests; absent: `sql` is. */
  readonly signs?: Db;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly bus: Bus;
  /** Absent: no traces. */
  readonly tracer?: Tracer;
  /** Turned on once, when this node begins to leave, which aborts the signal; absent where nothing drains (tests). */
  readonly drain?: { active: boolean; readonly signal?: AbortSignal };
  /** The address a request came from; absent: unknown, and then nobody counts as local. */
  readonly peerOf?: (request: Request) => string | undefined;
};
