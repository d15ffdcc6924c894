/**
 * What each group of routes answers while something that it may need is down or frozen. The table in docs/operations.md is
 * made from this (docs/degrade.ts), and degrade.test.ts tries every cell of it, replicas.test.ts those of a replica.
 */

/** The columns. */
export const groups = {
  kept: "a product that is kept",
  search: "search",
  cart: "a new cart",
  checkout: "checkout",
  flash: "checkout in flash mode",
  order: "an order",
  logIn: "log-in",
  adminWrite: "admin: a product",
  history: "admin: orders",
  upload: "admin: an upload",
  jobs: "ops: jobs",
  pools: "ops: pools",
} as const;

export type Group = keyof typeof groups;

/** `ok`: as ever. `direct`: past the queue, 201 instead of 202. `kept`: from the cache, marked STALE or HIT. A number: a problem of that status; 503 says when to come again. */
export type Answer = "ok" | "direct" | "kept" | 503 | 504;

export type Situation = { away: string; how: "down" | "frozen" | "behind"; answers: Record<Group, Answer> };

const all = (answer: Answer) =>
  Object.fromEntries(Object.keys(groups).map(group => [group, answer])) as Record<Group, Answer>;

export const situations = {
  postgresDown: { away: "Postgres", how: "down", answers: { ...all(503), kept: "kept" } },
  postgresFrozen: { away: "Postgres", how: "frozen", answers: { ...all(503), kept: "kept" } },
  replicaDown: { away: "a read replica", how: "down", answers: all("ok") },
  replicaFrozen: { away: "a read replica", how: "frozen", answers: all("ok") },
  replicaBehind: { away: "a read replica", how: "behind", answers: all("ok") },
  natsDown: { away: "NATS", how: "down", answers: { ...all("ok"), flash: "direct", pools: 503 } },
  natsFrozen: { away: "NATS", how: "frozen", answers: { ...all("ok"), flash: "direct", pools: 503 } },
  redisDown: { away: "Redis", how: "down", answers: all("ok") },
  redisFrozen: { away: "Redis", how: "frozen", answers: all("ok") },
  searchDown: { away: "Meilisearch", how: "down", answers: all("ok") },
  searchFrozen: { away: "Meilisearch", how: "frozen", answers: all("ok") },
  smtpDown: { away: "SMTP", how: "down", answers: all("ok") },
  smtpFrozen: { away: "SMTP", how: "frozen", answers: all("ok") },
  mediaDown: { away: "the media folder", how: "down", answers: { ...all("ok"), upload: 503 } },
  bucketDown: { away: "the media bucket", how: "down", answers: { ...all("ok"), upload: 503 } },
  bucketFrozen: { away: "the media bucket", how: "frozen", answers: { ...all("ok"), upload: 503 } },
  paymentDown: { away: "the payment provider", how: "down", answers: { ...all("ok"), checkout: 504 } },
  paymentFrozen: { away: "the payment provider", how: "frozen", answers: { ...all("ok"), checkout: 504 } },
} as const satisfies Record<string, Situation>;
