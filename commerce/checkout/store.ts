/** SQL of the module that is not in its functions (migrations/). Each call is one statement and one transaction. */
import { type Db, retried } from "../../platform/postgres/index.ts";
import type { PlaceRequest } from "./groups.ts";
import type { Attempt, BeginRequest, Begun, Declined, Placed } from "./model.ts";

type Known = Pick<Attempt, "storeId" | "key" | "orderId">;

/** T1 of a group of checkouts; the answers stand in the order of the requests. */
export async function begin(sql: Db, requests: readonly BeginRequest[]): Promise<Begun[]> {
  const numbered = requests.map((request, i) => ({ n: i + 1, ...request }));
  const rows = await retried(
    () => sql<{ result: Begun }[]>`
      SELECT result FROM checkout.begin(${sql.json(numbered as never)}) ORDER BY n`,
  );
  return rows.map(row => row.result);
}

/** T2 of a group of authorised payments; the answers stand in the order of the requests. */
export async function place(sql: Db, requests: readonly PlaceRequest[]): Promise<Placed[]> {
  // Apart, because the orders are read several times and the jobs once.
  const orders = requests.map(({ rows, ...order }) => order);
  const jobs = Object.fromEntries(requests.map(({ orderId, rows }) => [orderId, rows]));
  const rows = await retried(
    () => sql<{ result: Placed }[]>`
      SELECT result FROM checkout.place_group(${sql.json(orders as never)}, ${sql.json(jobs as never)}) ORDER BY n`,
  );
  return rows.map(row => row.result);
}

export async function decline(
  sql: Db,
  { storeId, key, orderId }: Known,
  changed: readonly unknown[],
): Promise<Declined> {
  const [row] = await retried(
    () => sql<{ result: Declined }[]>`
      SELECT checkout.decline(${storeId}, ${key}, ${orderId}, ${sql.json(changed as never)}) AS result`,
  );
  return row!.result;
}

/** False when it was settled or abandoned before. */
export async function abandon(
  sql: Db,
  { storeId, key, orderId }: Known,
  changed: readonly unknown[],
): Promise<boolean> {
  const [row] = await retried(
    () => sql<{ yes: boolean }[]>`
      SELECT checkout.abandon(${storeId}, ${key}, ${orderId}, ${sql.json(changed as never)}) AS yes`,
  );
  return row!.yes;
}

export async function shortenLease(sql: Db, { storeId, key, orderId }: Known, ms: number): Promise<void> {
  await sql`SELECT checkout.shorten_lease(${storeId}, ${key}, ${orderId}, ${ms})`;
}

export async function takeLost(sql: Db, limit: number, leaseMs: number): Promise<Attempt[]> {
  const rows = await sql<{ attempt: Attempt }[]>`
    SELECT attempt FROM checkout.take_lost(${limit}, ${leaseMs}) AS attempt`;
  return rows.map(row => row.attempt);
}

export async function forgetOld(sql: Db, limit: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT checkout.forget_old(${limit}) AS count`;
  return row!.count;
}
