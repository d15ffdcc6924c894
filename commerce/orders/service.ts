import { groupedBy } from "../../platform/grouped.ts";
import { isId } from "../../platform/ids.ts";
import { decodeCursor, encodeCursor, type Page, pageOf } from "../../platform/page.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { Order, OrderFacts } from "./model.ts";
import * as store from "./store.ts";

export function getOrder(sql: Sql, storeId: string, id: string): Promise<Order | null> {
  return isId("ord", id) ? store.selectDocument(sql, storeId, id) : Promise.resolve(null);
}

/** For jobs, which come by the hundred: what is asked at the same moment is read together. */
const READ_TOGETHER = { max: 128, lanes: 1, isDefinite: () => false, gather: { ms: 25, from: 4 } };
const documents = groupedBy((sql: Sql) => ({
  ...READ_TOGETHER,
  run: (keys: readonly store.OrderKey[]) => store.selectDocuments(sql, keys),
}));
const facts = groupedBy((sql: Sql) => ({
  ...READ_TOGETHER,
  run: (keys: readonly store.OrderKey[]) => store.selectFacts(sql, keys),
}));

/** As {@link getOrder}, read together with others that are asked for at the same moment. */
export function getOrderGrouped(sql: Sql, storeId: string, id: string): Promise<Order | null> {
  return isId("ord", id) ? documents(sql, { storeId, id }) : Promise.resolve(null);
}

export function factsOf(sql: Sql, storeId: string, id: string): Promise<OrderFacts | null> {
  return facts(sql, { storeId, id });
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
): Promise<Page<Order>> {
  return pageOf(await store.selectPage(sql, storeId, beforeOf(cursor), filter, limit + 1), limit, cursorOf);
}

/** The orders that a customer's carts have become, as {@link listOrders}. @throws Problem 422 for a made-up cursor. */
export async function listOrdersOf(
  sql: Sql,
  storeId: string,
  customerId: string,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<Order>> {
  const before = beforeOf(query.cursor);
  return pageOf(
    await store.selectPageOf(sql, storeId, customerId, before, query.limit + 1),
    query.limit,
    cursorOf,
  );
}

const ORDER_ID = /^ord_[0-9a-z]{8,48}$/;

function beforeOf(cursor: string | undefined): string | null {
  return decodeCursor(cursor, 1, ORDER_ID)?.[0] ?? null;
}

/** The id of an order is a secret: a cursor does not show it at first sight. */
const cursorOf = (order: Order) => encodeCursor([order.id]);
