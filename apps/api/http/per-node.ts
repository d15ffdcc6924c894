import { openRequestLog } from "../../../bus/index.ts";
import { openRedis } from "../../../platform/redis/index.ts";
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

export const requestLogOf = perNode(({ config, sql, log }) =>
  openRequestLog({ sql, log, node: config.processName || `api-${process.pid}` }),
);
