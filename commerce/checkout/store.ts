/** SQL of the module that is not in its functions (migrations/). Each call is one statement and one transaction. */
import { type OutboxRow, outboxRows } from "../../bus/index.ts";
import { type Db, retried } from "../../platform/postgres/index.ts";
import type { PlaceRequest } from "./groups.ts";
import type { Attempt, BeginRequest, Begun, Declined, Placed } from "./model.ts";

type Known = Pick<Attempt, "storeId" | "key" | "orderId">;

/** T1 of a group of checkouts; the answers stand in the order of the requests. */
export async function begin(sql: Db, requests: readonly BeginRequest[]): Promise<Begun[]> {
  const all = columns(requests);
  const changed = Object.fromEntries(requests.map(({ storeId, changed }) => [storeId, changed]));
  const rows = await retried(
    () => sql<StartedRow[]>`
      SELECT n, amount_minor AS "amountMinor", currency, result
      FROM checkout.begin_orders(${all("storeId")}::text[], ${all("key")}::text[], ${all("fingerprint")}::text[],
             ${all("cartId")}::text[], ${all("orderId")}::text[], ${all("reservationId")}::text[],
             ${all("intentId")}::text[], ${all("provider")}::text[], ${all("traceparent")}::text[],
             ${all("leaseMs")}::integer[], ${all("holdMs")}::integer[], ${sql.json(changed as never)})`,
  );
  const begun: Begun[] = new Array(requests.length);
  for (const row of rows) begun[row.n - 1] = begunOf(requests[row.n - 1]!, row);
  return begun;
}

/** `result`: of a request that is refused or was here before; null: it has started. */
type StartedRow = { n: number; amountMinor: number; currency: string; result: Begun | null };

function begunOf(request: BeginRequest, { amountMinor, currency, result }: StartedRow): Begun {
  if (result) return result;
  const { storeId, key, orderId, intentId, provider, traceparent } = request;
  const attempt = { storeId, key, orderId, intentId, provider, traceparent, amountMinor, currency };
  return { outcome: "started", attempt };
}

/** T2 of a group of authorised payments; the answers stand in the order of the requests. */
export async function place(sql: Db, requests: readonly PlaceRequest[]): Promise<Placed[]> {
  // An attempt may be settled from two sides at once.
  const all = columns([...new Map(requests.map(request => [request.orderId, request])).values()]);
  const stores = new Set(requests.map(request => request.storeId));
  const jobs = Object.fromEntries([...stores].map(storeId => [storeId, jobsOfOrder(storeId)]));
  const rows = await retried(
    () => sql<(Placed & { orderId: string })[]>`
      SELECT order_id AS "orderId", outcome, status, body, location, traceparent
      FROM checkout.place_orders(${all("storeId")}::text[], ${all("key")}::text[], ${all("orderId")}::text[],
             ${ORDERS_PATH}, ${sql.json(jobs as never)})`,
  );
  const placed = new Map(rows.map(row => [row.orderId, row]));
  return requests.map(request => placed.get(request.orderId)!);
}

/** Where an order is found: the `location` of the answer that makes it. */
const ORDERS_PATH = "/store/orders/";

/** What follows from an order, as a template: the order is called `$order`, and its own trace takes the place of this one. */
function jobsOfOrder(storeId: string): OutboxRow[] {
  return outboxRows({ storeId }, [{ type: "order.placed", orderId: "$order" }]);
}

/** The values of one field of all rows, for an array that Postgres unnests. */
function columns<R>(rows: readonly R[]) {
  return <K extends keyof R>(name: K): R[K][] => rows.map(row => row[name]);
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
