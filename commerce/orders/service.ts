import { invalid } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { Order, OrderFacts, OrderPage, OrderStatus } from "./model.ts";
import * as store from "./store.ts";

export function getOrder(sql: Sql, storeId: string, id: string): Promise<Order | null> {
  return isId("ord", id) ? store.selectDocument(sql, storeId, id) : Promise.resolve(null);
}

export function factsOf(sql: Sql, storeId: string, id: string): Promise<OrderFacts | null> {
  return store.selectFacts(sql, storeId, id);
}

/** Newest first, by keyset: a page stays the same while orders come in. @throws Problem 422 for a made-up cursor. */
export async function listOrders(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; status?: OrderStatus | undefined },
): Promise<OrderPage> {
  const before = query.cursor === undefined ? null : Buffer.from(query.cursor, "base64url").toString();
  if (before !== null && !isId("ord", before)) {
    throw invalid([{ path: "cursor", message: "is not one that this list gave" }]);
  }
  const found = await store.selectPage(sql, storeId, before, query.status ?? null, query.limit + 1);
  const items = found.slice(0, query.limit);
  const last = found.length > query.limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? Buffer.from(last.id).toString("base64url") : null };
}
