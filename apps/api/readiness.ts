/**
 * Whether this node can do its work, told by its dependencies. Postgres and the media storage are needed: without them
 * requests fail. NATS, Redis, the search engine and read replicas are not: writes wait in the outbox, reads go to Postgres; a node that
 * called itself unready for them would turn a slow feature into an outage. While it makes its first look-ups (cache/warm-up.ts,
 * three seconds at most) it is not ready either.
 */
import type { Replicas } from "../../platform/replicas/index.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { warmUpOf } from "./cache/warm-up.ts";
import type { ApiDeps } from "./deps.ts";
import { replicasOf } from "./http/per-node.ts";

/** All checks run side by side and end within this time. */
const PATIENCE_MS = 2_000;

export type DependencyState = "ok" | "down" | "degraded" | "off";
export type DependencyReport = { name: string; state: DependencyState; needed: boolean; ms: number };
export type ReadinessReport = {
  ready: boolean;
  draining: boolean;
  warming: boolean;
  dependencies: DependencyReport[];
};

type Check = {
  name: string;
  needed: boolean;
  /** Throws when the dependency does not answer as it should; undefined when it is not configured. */
  probe: ((signal: AbortSignal) => Promise<unknown>) | undefined;
};

async function expectOk(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  await response.body?.cancel();
  if (!response.ok) throw new Error(`status ${response.status}`);
}

function expectNear(replicas: Replicas): void {
  const missing = replicas.states().filter(one => one.state !== "near");
  if (missing.length > 0) throw new Error(`not read: ${missing.map(one => one.name).join(", ")}`);
}

function checksOf(deps: ApiDeps): Check[] {
  const { config, sql, bus } = deps;
  const { redisUrl, redisToken, meiliUrl } = config;
  const replicas = replicasOf(deps);
  return [
    { name: "postgres", needed: true, probe: () => sql`SELECT 1` },
    { name: "nats", needed: false, probe: () => bus.ping() },
    {
      name: "redis",
      needed: false,
      probe: redisUrl
        ? signal => {
            const headers = { authorization: `Bearer ${redisToken ?? ""}` };
            return expectOk(fetch(redisUrl, { method: "POST", body: '["PING"]', headers, signal }));
          }
        : undefined,
    },
    {
      name: "search",
      needed: false,
      probe: meiliUrl ? signal => expectOk(fetch(new URL("/health", meiliUrl), { signal })) : undefined,
    },
    ...(replicas ? [{ name: "replicas", needed: false, probe: async () => expectNear(replicas) }] : []),
    { name: "storage", needed: true, probe: () => openStorage(config).probe() },
  ];
}

async function run(check: Check): Promise<DependencyReport> {
  const { name, needed, probe } = check;
  if (!probe) return { name, needed, state: "off", ms: 0 };
  const started = performance.now();
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => patience.reject(new Error("no answer")), PATIENCE_MS);
  const state = await Promise.race([Promise.try(probe, AbortSignal.timeout(PATIENCE_MS)), patience.promise])
    .then((): DependencyState => "ok")
    .catch((): DependencyState => (needed ? "down" : "degraded"))
    .finally(() => clearTimeout(timer));
  return { name, needed, state, ms: Math.round((performance.now() - started) * 10) / 10 };
}

export function createReadiness(deps: ApiDeps): () => Promise<ReadinessReport> {
  const checks = checksOf(deps);
  return async () => {
    const dependencies = await Promise.all(checks.map(run));
    const draining = deps.drain?.active ?? false;
    const warming = warmUpOf(deps).isPending;
    const ready = !draining && !warming && dependencies.every(one => !one.needed || one.state === "ok");
    return { ready, draining, warming, dependencies };
  };
}
