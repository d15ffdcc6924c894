import { badCursor, type Page, pageOf } from "../../platform/page.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { Order, TimelineEntry } from "./model.ts";
import * as store from "./store.ts";

const UUID = /^[0-9a-f-]{36}$/;

/**
 * What happened to an order, in order. Its creation and placement are told by its own times (checkout writes no events);
 * the rest was written in the transactions that did it. @throws Problem 422 for a made-up cursor.
 */
export async function timelineOf(
  sql: Sql,
  storeId: string,
  order: Order,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<TimelineEntry>> {
  if (query.cursor !== undefined && !UUID.test(query.cursor)) throw badCursor();
  const found = await store.selectEvents(sql, storeId, order.id, query.cursor ?? null, query.limit + 1);
  const { items, nextCursor } = pageOf(found, query.limit);
  const first = query.cursor === undefined ? beginningOf(order) : [];
  return { items: [...first, ...items], nextCursor };
}

function beginningOf({ createdAt, placedAt, number, totalMinor }: Order): TimelineEntry[] {
  const created = { id: "created", type: "order.created", data: { number, totalMinor }, author: null };
  const placed = { id: "placed", type: "order.placed", data: {}, author: null };
  return [{ ...created, at: createdAt }, ...(placedAt === null ? [] : [{ ...placed, at: placedAt }])];
}
