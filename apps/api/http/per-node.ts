import { openRequestLog } from "../../../bus/index.ts";
import type { Db } from "../../../platform/postgres/index.ts";
import { openRedis } from "../../../platform/redis/index.ts";
import { Replicas } from "../../../platform/replicas/index.ts";
import type { ApiDeps } from "../deps.ts";

/**
 * What all route files of a node share and none of them owns: made by the first that asks. Keyed by the registry of
 * metrics, of which a node has one, so that two applications in one test process share nothing.
 */
export function perNode<T>(make: (deps: ApiDeps) => T): (deps: ApiDeps) => T {
  const made = new WeakMap<ApiDeps["metrics"], T>();
  return deps => {
    const known = made.get(deps.metrics);
    if (known !== undefined) return known;
    const one = make(deps);
    made.set(deps.metrics, one);
    return one;
  };
}

export const redisOf = perNode(({ config, log }) =>
  openRedis({ url: config.redisUrl, token: config.redisToken, timeoutMs: config.redisTimeoutMs, log }),
);

/** Null: none is configured. */
export const replicasOf = perNode(({ config, sql, log, metrics, tracer }) => {
  const { databaseReplicaUrls: urls, processName, databasePool: max } = config;
  if (urls.length === 0) return null;
  const application = processName || `api-${process.pid}`;
  return new Replicas({ ...{ urls, sql, application, max, log, metrics }, tracer });
});

/** Reads what nobody keeps, histories and lists, where it costs the primary least: as new as if it were asked. */
export const reading = perNode((deps): (<T>(work: (sql: Db) => Promise<T>) => Promise<T>) => {
  const replicas = replicasOf(deps);
  return replicas ? work => replicas.read(work) : work => work(deps.sql);
});

export const requestLogOf = perNode(({ config, sql, log }) =>
  openRequestLog({ sql, log, node: config.processName || `api-${process.pid}` }),
);
