/** For tests: a store where people register, log in and forget their passwords. */
import { silentLog } from "../../platform/log.ts";
import { openRedis, type SharedRedis } from "../../platform/redis/index.ts";
import { freshDatabase, testServers } from "../../platform/testing/index.ts";
import { newTraceparent } from "../../platform/trace.ts";
import { createStore } from "../stores/index.ts";
import { type CustomerDeps, createPasswords, logIn, register, requestPasswordReset } from "./index.ts";

export const PASSWORD = "correct horse battery";

export async function sharedRedis(): Promise<SharedRedis> {
  const { redisUrl, redisToken } = await testServers();
  return openRedis({ url: redisUrl, token: redisToken, timeoutMs: 5_000, log: silentLog });
}

export type People = Awaited<ReturnType<typeof openPeople>>;

export async function openPeople() {
  const db = await freshDatabase();
  const { sql } = db;
  const [store, other] = [
    await createStore(sql, { name: "Test", currency: "EUR" }),
    await createStore(sql, { name: "Other", currency: "EUR" }),
  ];
  const deps: CustomerDeps = {
    sql,
    redis: await sharedRedis(),
    passwords: createPasswords({ concurrency: 2, queue: 1_000 }),
    sessionMs: 30 * 86_400_000,
  };
  const someone = () => `buyer-${crypto.randomUUID()}@example.com`;
  const join = async (email = someone(), storeId = store.id) => ({
    ...(await register(deps, storeId, { email, password: PASSWORD })),
    password: PASSWORD,
  });
  const enter = async (email: string, password = PASSWORD, storeId = store.id) =>
    (await logIn(deps, storeId, { email, password })).session;
  /** Asks for a reset and gives its id, as the mail's job gets it. */
  const forget = async (email: string, storeId = store.id): Promise<string> => {
    await requestPasswordReset(deps, { storeId, traceparent: newTraceparent() }, email);
    const [row] = await sql`SELECT id FROM customers.password_reset ORDER BY id DESC LIMIT 1`;
    return row!.id;
  };
  return { ...db, store, other, deps, someone, join, enter, forget };
}

/** The problem that a promise is refused with: its code, and the paths of its fields. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no problem",
    error =>
      [
        error.code ?? String(error),
        ...(error.more?.errors ?? []).map((one: { path: string }) => one.path),
      ].join(" "),
  );
}
