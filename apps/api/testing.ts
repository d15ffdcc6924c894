/** For tests of routes: an application on a database of its own, with a store and its keys. */
import type { AnyElysia } from "elysia";
import { type Bus, openBus } from "../../bus/index.ts";
import { createKey, createStore, type Store } from "../../commerce/stores/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { type Config, loadConfig } from "../../platform/config.ts";
import { type Log, silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import type { Db } from "../../platform/postgres/index.ts";
import {
  type FreshDatabase,
  freshDatabase,
  freshNats,
  type StatementLog,
} from "../../platform/testing/index.ts";
import { createApp } from "./app.ts";
import { cacheOf } from "./cache/index.ts";
import type { ApiDeps } from "./deps.ts";
import { describedProblems } from "./described.fixture.ts";
import { replicasOf } from "./http/per-node.ts";

/** A server that nobody runs; the bus goes on trying in the background. */
const NOWHERE = "nats://127.0.0.1:1";

export type TestApi = {
  readonly app: ReturnType<typeof createApp>;
  readonly deps: ApiDeps;
  readonly sql: Db;
  /** What the application asked of Postgres; `during(work)` gives the statements of one piece of work. */
  readonly statements: StatementLog;
  readonly bus: Bus;
  /** Of its NATS account; for processes beside it. */
  readonly natsUrl: string | undefined;
  readonly store: Store;
  readonly keys: { publishable: string; secret: string; ops: string };
  /** Sends a request; `json` is a body, `key` picks the header that goes with its kind. */
  request(method: string, path: string, options?: TestRequest): Promise<Response>;
  close(): Promise<void>;
};

export type TestRequest = {
  json?: unknown;
  body?: RequestInit["body"];
  key?: string;
  headers?: Record<string, string>;
};

export type TestApiOptions = {
  /** Connect to a NATS account of its own; without it the bus is unavailable. */
  nats?: boolean;
  /** Default: one on the servers that all tests share. */
  database?: FreshDatabase;
  config?: Partial<Config>;
  deps?: Partial<ApiDeps>;
  log?: Log;
  /** Routes beside our own. */
  areas?: (deps: ApiDeps) => AnyElysia[];
};

function headersOf({ json, key, headers }: TestRequest): Record<string, string> {
  const auth: Record<string, string> = key?.startsWith("pk_")
    ? { "x-publishable-key": key }
    : key
      ? { authorization: `Bearer ${key}` }
      : {};
  return { ...auth, ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers };
}

export async function testApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = options.database ?? (await freshDatabase());
  const nats = options.nats ? await freshNats() : undefined;
  const { sql } = database;
  const log = options.log ?? silentLog;
  const metrics = createMetrics("test");
  const bus = openBus({ url: nats?.url ?? NOWHERE, name: "test", log: silentLog, sql, metrics });
  if (nats) await bus.ready;
  const store = await createStore(sql, { name: "Test store", currency: "EUR" });
  const keyOf = async (kind: "publishable" | "secret" | "ops") =>
    (await createKey(sql, { kind, storeId: kind === "ops" ? null : store.id, name: kind })).key;
  const keys = {
    publishable: await keyOf("publishable"),
    secret: await keyOf("secret"),
    ops: await keyOf("ops"),
  };
  const config = { ...loadConfig({}), ...options.config };
  const deps: ApiDeps = { config, sql, log, clock: systemClock, metrics, bus, ...options.deps };
  const app = createApp(deps, options.areas?.(deps));
  const described = describedProblems(app);
  return {
    app,
    deps,
    sql,
    statements: database.statements,
    bus,
    natsUrl: nats?.url,
    store,
    keys,
    async request(method, path, request = {}) {
      const body = request.json === undefined ? (request.body ?? null) : JSON.stringify(request.json);
      const sent = new Request(`http://localhost${path}`, { method, headers: headersOf(request), body });
      const answer = await app.handle(sent);
      await described(method, path, answer);
      return answer;
    },
    async close() {
      cacheOf(deps).stop();
      replicasOf(deps)?.stop();
      await bus.close();
      await nats?.release();
      await database.drop();
    },
  };
}
