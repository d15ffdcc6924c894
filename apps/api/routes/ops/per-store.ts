/** What is made anew for each store (summaries, search indexes): lists by store, and for whom it is asked. */
import { t } from "elysia";
import { getStore, listStores } from "../../../../commerce/stores/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { pageOf } from "../../../../platform/page.ts";
import type { Sql } from "../../../../platform/postgres/index.ts";
import { reference } from "../store/carts.schema.ts";

const MAX_STORES = 100;

export const storePage = t.Object(
  {
    storeId: t.Optional(reference),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_STORES })),
    cursor: t.Optional(t.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);

type StoreQuery = { storeId?: string | undefined; limit?: number | undefined; cursor?: string | undefined };

/** What `latest` says of the stores of one page. */
export async function listByStore<T>(
  sql: Sql,
  { storeId, limit = MAX_STORES, cursor = "" }: StoreQuery,
  latest: (ids: string[]) => Promise<T[]>,
): Promise<{ items: T[]; nextCursor: string | null }> {
  const stores = storeId ? [{ id: storeId }] : await listStores(sql, { after: cursor, limit: limit + 1 });
  const { items, nextCursor } = pageOf(stores, limit);
  return { items: await latest(items.map(store => store.id)), nextCursor };
}

/** Asks for one store, or for the first hundred, one after the other. @throws Problem 404 */
export async function requestByStore<T>(
  sql: Sql,
  storeId: string | undefined,
  request: (storeId: string) => Promise<T>,
): Promise<{ items: T[]; nextCursor: null }> {
  if (storeId !== undefined && !(await getStore(sql, storeId))) throw notFound("store");
  const stores = storeId ? [{ id: storeId }] : await listStores(sql, { limit: MAX_STORES });
  const items: T[] = [];
  for (const { id } of stores) items.push(await request(id));
  return { items, nextCursor: null };
}
