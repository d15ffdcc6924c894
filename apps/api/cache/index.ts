/**
 * What this node keeps of what shops read: ready answers of the catalog, and who makes them. `platform/cache` tells how they
 * stay true, lifetimes.ts how long they live, bus/invalidations.ts what makes them old.
 */
import { natsInvalidations } from "../../../bus/index.ts";
import { openCache, type ProcessCache } from "../../../platform/cache/index.ts";
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { lifesignOf } from "../http/lifesign.ts";
import { perNode, redisOf, replicasOf } from "../http/per-node.ts";
import { cachingHeaders, GUARDED, GUARDED_VARY } from "./caching-headers.ts";
import { isPublic } from "./lifetimes.ts";
import { ReadyAnswer } from "./ready-answer.ts";

const MB = 1_048_576;
/** Of the connections to Postgres, what making entries may take; the others are for who writes. */
const POOL_SHARE = 0.75;

export const cacheOf = perNode(
  (deps: ApiDeps): ProcessCache<ReadyAnswer> =>
    openCache({
      sql: deps.sql,
      watch: deps.signs,
      redis: deps.config.redisUrl ? redisOf(deps) : null,
      replicas: replicasOf(deps),
      log: deps.log,
      metrics: deps.metrics,
      channel: natsInvalidations(deps.bus.connection),
      maxBytes: deps.config.cacheMb * MB,
      maxFills: Math.max(1, Math.floor(deps.config.databasePool * POOL_SHARE)),
      pack: (text, { tags }, family) =>
        isPublic(family)
          ? new ReadyAnswer(text, cachingHeaders(deps.config.cdnSeconds, tags))
          : new ReadyAnswer(text, GUARDED, GUARDED_VARY),
      unlessAway: work => lifesignOf(deps.sql).unlessFrozen(work),
      // What is refused (404, 422) is an answer of its own.
      isOutage: error => !(error instanceof Problem) || error.status >= 500,
    }),
);
