/** The catalog as shops read it, each answer with who makes it. */

import { tagOf } from "../../../bus/index.ts";
import { listCategories } from "../../../commerce/catalog/index.ts";
import { listCollections } from "../../../commerce/collections/index.ts";
import { type Kept, keptDetail, keptList, type ProductQuery } from "../../../commerce/storefront/index.ts";
import type { Ask, Loaded } from "../../../platform/cache/index.ts";
import type { ApiDeps } from "../deps.ts";
import { lifetimes } from "./lifetimes.ts";

const loaded = ({ value, tags, wrongInMs }: Kept<unknown>): Loaded => ({
  ...{ text: JSON.stringify(value), tags, wrongInMs },
});

export function askProduct(deps: ApiDeps, storeId: string, idOrHandle: string): Ask {
  return {
    key: `product:${storeId}:${idOrHandle}`,
    family: lifetimes.product,
    load: async replica => loaded(await keptDetail(replica ?? deps.sql, storeId, idOrHandle)),
  };
}

export function askList(deps: ApiDeps, storeId: string, query: ProductQuery): Ask {
  const { category, collection, q, sort, limit, cursor } = query;
  return {
    key: `list:${storeId}:${JSON.stringify([category, collection, q, sort, limit, cursor])}`,
    family: lifetimes.list,
    load: async replica => loaded(await keptList(replica ?? deps.sql, storeId, query)),
  };
}

/** How many of them come when nobody says otherwise. */
export const GROUP_PAGE = 100;

export type GroupQuery = { limit: number; cursor?: string | undefined };

export function askCategories(deps: ApiDeps, storeId: string, query: GroupQuery): Ask {
  return {
    key: `lookup:${storeId}:categories:${query.limit}:${query.cursor ?? ""}`,
    family: lifetimes.lookup,
    async load(replica) {
      const { items, nextCursor } = await listCategories(replica ?? deps.sql, storeId, query);
      const shown = items.map(({ id, handle, title, parentId, path, position }) => {
        return { id, handle, title, parentId, path, position };
      });
      const text = JSON.stringify({ items: shown, nextCursor });
      return { text, tags: [tagOf.categories(storeId), ...items.map(one => tagOf.category(one.id))] };
    },
  };
}

export function askCollections(deps: ApiDeps, storeId: string, query: GroupQuery): Ask {
  return {
    key: `lookup:${storeId}:collections:${query.limit}:${query.cursor ?? ""}`,
    family: lifetimes.lookup,
    async load(replica) {
      const { items, nextCursor } = await listCollections(replica ?? deps.sql, storeId, query);
      const shown = items.map(({ id, handle, title, description }) => ({ id, handle, title, description }));
      const text = JSON.stringify({ items: shown, nextCursor });
      return { text, tags: [tagOf.collections(storeId), ...items.map(one => tagOf.collection(one.id))] };
    },
  };
}
