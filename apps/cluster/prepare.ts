/**
 * The database before the first process: migrations, the demo store and the keys of the first start. Keys are shown
 * once by the stores module, so their text lives in stack.json; when that is lost, or the database is another one, new
 * ones are made.
 */
import { demoStore, setDemoTerms } from "../../commerce/demo/index.ts";
import { createKey, createStore, findKey, getStore, type KeyKind } from "../../commerce/stores/index.ts";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import { connect, type Db, migrate } from "../../platform/postgres/index.ts";
import { modules } from "../migrations.ts";
import type { Keys, StackFile } from "./home.ts";

/** Puts keys and store into `stack`. Repeating it changes nothing. */
export async function prepareDatabase(config: Config, stack: StackFile, log: Log): Promise<void> {
  const sql = connect(stack.databaseUrl, { max: 2, application: "supervisor" });
  try {
    const onWait = (migration: string) =>
      log.warn({ migration }, "a migration waits: others hold its tables");
    await migrate(sql, modules, { onWait });
    if (config.demo) stack.storeId = await ensureDemo(sql);
    stack.keys = await ensureKeys(sql, stack);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Once: what people take away from their shop later stays away. */
async function ensureDemo(sql: Db): Promise<string> {
  if (!(await getStore(sql, demoStore.id))) {
    await createStore(sql, demoStore);
    await setDemoTerms(sql, demoStore.id);
  }
  return demoStore.id;
}

async function ensureKeys(sql: Db, { keys, storeId }: StackFile): Promise<Keys> {
  const keep = async (key: string | null | undefined) => (key && (await findKey(sql, key)) ? key : null);
  const make = async (kind: KeyKind, owner: string | null) =>
    (await createKey(sql, { kind, storeId: owner, name: "first start" })).key;
  const ofStore = async (kind: "publishable" | "secret") =>
    (await keep(keys?.[kind])) ?? (storeId ? await make(kind, storeId) : null);
  return {
    publishable: await ofStore("publishable"),
    secret: await ofStore("secret"),
    ops: (await keep(keys?.ops)) ?? (await make("ops", null)),
  };
}
