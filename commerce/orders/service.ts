import { invalid } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { Order, OrderFacts, OrderPage } from "./model.ts";
import * as store from "./store.ts";

export function getOrder(sql: Sql, storeId: string, id: string): Promise<Order | null> {
  return isId("ord", id) ? store.selectDocument(sql, storeId, id) : Promise.resolve(null);
}

export function factsOf(sql: Sql, storeId: string, id: string): Promise<OrderFacts | null> {
  return store.selectFacts(sql, storeId, id);
}

/** The order that a refund or fulfilment belongs to. */
export function orderOfAction(sql: Sql, storeId: string, actionId: string): Promise<Order | null> {
  return store.selectOrderOf(sql, storeId, actionId);
}

export type OrderQuery = store.OrderFilter & { limit: number; cursor?: string | undefined };

/** Newest first, by keyset: a page stays the same while orders come in. @throws Problem 422 for a made-up cursor. */
export async function listOrders(
  sql: Sql,
  storeId: string,
  { limit, cursor, ...filter }: OrderQuery,
): Promise<OrderPage> {
  return pageOf(await store.selectPage(sql, storeId, beforeOf(cursor), filter, limit + 1), limit);
}

/** The orders that a customer's carts have become, as {@link listOrders}. @throws Problem 422 for a made-up cursor. */
export async function listOrdersOf(
  sql: Sql,
  storeId: string,
  customerId: string,
  query: { limit: number; cursor?: string | undefined },
): Promise<OrderPage> {
  const before = beforeOf(query.cursor);
  return pageOf(await store.selectPageOf(sql, storeId, customerId, before, query.limit + 1), query.limit);
}

function beforeOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const before = Buffer.from(cursor, "base64url").toString();
  if (!isId("ord", before)) throw invalid([{ path: "cursor", message: "is not one that this list gave" }]);
  return before;
}

/** `found` holds one more than the page when there is a next one. */
function pageOf(found: Order[], limit: number): OrderPage {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? Buffer.from(last.id).toString("base64url") : null };
}
