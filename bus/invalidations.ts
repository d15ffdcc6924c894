/**
 * What happened → which kept answers are old: the table of tags. `emit` notes them in the transaction of the change
 * (`platform.invalidate`), so whoever writes through events invalidates, be it a route, an import or a job. Stock is noted in
 * SQL (`inventory.announce`), where orders change it many products at a time; the node that takes an order drops it by itself
 * (routes/store/checkout.ts).
 *
 * | tag                | on an answer that shows                                                     |
 * | ------------------ | --------------------------------------------------------------------------- |
 * | `product:{id}`     | the product itself                                                          |
 * | `price:{id}`       | what its variants cost                                                      |
 * | `stock:{id}`       | how many of it there are                                                    |
 * | `summary:{id}`     | it as lists have it                                                         |
 * | `groups:{id}`      | which collections it is in, and their names as lists have them              |
 * | `category:{id}`    | the category's name                                                         |
 * | `collection:{id}`  | the collection's name                                                       |
 * | `categories:{store}`, `collections:{store}` | the tree, all of them, or what a handle stands for |
 * | `list:{group}`     | who is in a list (`group`: a category, a collection, the store for all) and where |
 * | `list:{group}:title`, `:price` | it in that order                                                |
 * | `popularity:{store}` | products in the order of what sells                                       |
 * | `summaries:{store}` | products that were looked for by their words                               |
 * | `customer:{id}`    | what one customer sees of themselves                                        |
 *
 * What comes later (promotions, segments) is a tag more in `tagOf` and an event more in the table below.
 *
 * `soon`: a tag is made old at most once a second, for what changes with each order and for what jobs bring into lists.
 */
import type { ShopEvent } from "./reactions.ts";

export const tagOf = {
  product: (id: string) => `product:${id}`,
  price: (id: string) => `price:${id}`,
  stock: (id: string) => `stock:${id}`,
  summary: (id: string) => `summary:${id}`,
  groups: (id: string) => `groups:${id}`,
  category: (id: string) => `category:${id}`,
  collection: (id: string) => `collection:${id}`,
  categories: (storeId: string) => `categories:${storeId}`,
  collections: (storeId: string) => `collections:${storeId}`,
  /** `groupId` `""`: all products of the store. */
  list: (storeId: string, groupId: string) => `list:${groupId || storeId}`,
  listBy: (storeId: string, groupId: string, key: "title" | "price") => `list:${groupId || storeId}:${key}`,
  popularity: (storeId: string) => `popularity:${storeId}`,
  summaries: (storeId: string) => `summaries:${storeId}`,
  customer: (id: string) => `customer:${id}`,
} as const;

export type Invalidation = { tags: readonly string[]; soon: boolean };

type Invalidations = {
  [T in ShopEvent["type"]]?: (event: Extract<ShopEvent, { type: T }>, storeId: string) => Invalidation;
};

const now = (...tags: string[]): Invalidation => ({ tags, soon: false });
const soon = (...tags: string[]): Invalidation => ({ tags, soon: true });

const invalidations: Invalidations = {
  // Prices too: base prices are written with their product, and a price list announces its products this way.
  "product.changed": ({ productId }) => now(tagOf.product(productId), tagOf.price(productId)),
  // An answer ends at the next moment at which a price changes by the clock: here that moment moves.
  "prices.planned": ({ productIds }) => now(...productIds.map(tagOf.price)),
  "stock.changed": ({ productIds }) => soon(...productIds.map(tagOf.stock)),
  "stock.shown": ({ productIds }) => soon(...productIds.map(tagOf.summary)),
  "summary.changed": ({ productId, grouped }, storeId) =>
    soon(tagOf.summary(productId), tagOf.summaries(storeId), ...(grouped ? [tagOf.groups(productId)] : [])),
  "lists.changed": ({ changes }, storeId) => {
    const tags = changes.map(({ groupId, what }) =>
      what === "members" ? tagOf.list(storeId, groupId) : tagOf.listBy(storeId, groupId, what),
    );
    return soon(...tags);
  },
  "popularity.shown": (_, storeId) => soon(tagOf.popularity(storeId)),
  "category.created": (_, storeId) => now(tagOf.categories(storeId)),
  "category.changed": ({ categoryId }, storeId) => now(tagOf.category(categoryId), tagOf.categories(storeId)),
  "collection.changed": ({ collectionId }, storeId) =>
    now(tagOf.collection(collectionId), tagOf.collections(storeId)),
  "customer.changed": ({ customerId }) => now(tagOf.customer(customerId)),
};

/** One for what must show at once and one for what may take a second; each tag once. */
export function invalidationsOf(events: readonly ShopEvent[], storeId: string): Invalidation[] {
  const found = events.flatMap(event => {
    const of = invalidations[event.type] as ((event: ShopEvent, storeId: string) => Invalidation) | undefined;
    return of ? [of(event, storeId)] : [];
  });
  return [false, true].flatMap(late => {
    const tags = new Set(found.filter(one => one.soon === late).flatMap(one => one.tags));
    return tags.size > 0 ? [{ tags: [...tags], soon: late }] : [];
  });
}
