/** What shops read, with what it was made of, for who keeps it (the tags of bus/invalidations.ts). */
import { tagOf } from "../../bus/index.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { nextPriceChangeMs } from "../pricing/index.ts";
import { selectGroups } from "./list.store.ts";
import type { ProductDocument } from "./model.ts";
import { type ProductPage, type ProductQuery, productDetail, productList } from "./service.ts";

export type Kept<T> = {
  readonly value: T;
  readonly tags: readonly string[];
  /** From now on: when it becomes wrong by the clock; null: it does not. */
  readonly wrongInMs: number | null;
};

/** @throws Problem 404. */
export async function keptDetail(
  sql: Sql,
  storeId: string,
  idOrHandle: string,
): Promise<Kept<ProductDocument>> {
  const value = await productDetail(sql, storeId, idOrHandle);
  const { id, categories, collections } = value;
  const tags = [
    ...[tagOf.product(id), tagOf.price(id), tagOf.stock(id), tagOf.groups(id)],
    ...categories.map(one => tagOf.category(one.id)),
    ...collections.map(one => tagOf.collection(one.id)),
  ];
  const variantIds = value.variants.map(one => one.id);
  return { value, tags, wrongInMs: await nextPriceChangeMs(sql, storeId, variantIds) };
}

/** A page is as old as the read model of lists: when a price list opens, that follows by jobs. @throws Problem 422. */
export async function keptList(sql: Sql, storeId: string, query: ProductQuery): Promise<Kept<ProductPage>> {
  const { category, collection } = query;
  const isGroup = category !== undefined || collection !== undefined;
  // Before the page: a group that is renamed in between makes these tags old.
  const groups = isGroup ? await selectGroups(sql, storeId, query) : null;
  const value = await productList(sql, storeId, query);
  const tags = value.items.map(one => tagOf.summary(one.id));
  const lists = [
    ...(category === undefined ? [] : [groups!.categoryId]),
    ...(collection === undefined ? [] : [groups!.collectionId]),
    ...(isGroup ? [] : [""]),
  ].filter(id => id !== null);
  for (const id of lists) tags.push(...tagsOfOrder(storeId, id, query));
  // What the name stands for may be another group later, or come to be.
  if (category !== undefined) tags.push(tagOf.categories(storeId));
  if (collection !== undefined) tags.push(tagOf.collections(storeId));
  if (query.q !== undefined) tags.push(tagOf.summaries(storeId));
  return { value, tags, wrongInMs: null };
}

function tagsOfOrder(storeId: string, groupId: string, { sort }: ProductQuery): string[] {
  const members = tagOf.list(storeId, groupId);
  if (sort === "title") return [members, tagOf.listBy(storeId, groupId, "title")];
  if (sort === "price" || sort === "-price") return [members, tagOf.listBy(storeId, groupId, "price")];
  if (sort === "popularity") return [members, tagOf.popularity(storeId)];
  return [members];
}
