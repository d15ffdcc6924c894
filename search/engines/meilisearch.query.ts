/** A query in Meilisearch's words. Values are quoted here and nowhere else. */
import type { SearchParams } from "meilisearch";
import type { FacetName, Facets, SearchQuery } from "../engine.ts";

/** A value inside a filter expression; nothing in it can end the quotation. */
function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function filters(query: SearchQuery): string[] {
  const filter: string[] = [];
  if (query.category !== undefined) {
    const value = quoted(query.category);
    filter.push(`(category = ${value} OR categoryIds = ${value})`);
  }
  if (query.vendor !== undefined) filter.push(`vendor = ${quoted(query.vendor)}`);
  if (query.priceMin !== undefined) filter.push(`price >= ${query.priceMin}`);
  if (query.priceMax !== undefined) filter.push(`price <= ${query.priceMax}`);
  if (query.inStock !== undefined) filter.push(`inStock = ${query.inStock}`);
  return filter;
}

const sorts = {
  newest: "createdAt:desc",
  title: "title:asc",
  price: "price:asc",
  "-price": "price:desc",
} as const;

const attributes: Record<FacetName, string> = {
  category: "category",
  vendor: "vendor",
  tag: "tags",
  inStock: "inStock",
  price: "price",
};

/** SKUs and barcodes, and what looks like them: a part that differs is another article. */
export function looksLikeCode(q: string): boolean {
  return /^\S*\d\S*$/.test(q) && /^[\p{L}\p{N}]+(?:[-_./][\p{L}\p{N}]+)*$/u.test(q) && q.length >= 4;
}

export function searchParams(query: SearchQuery): SearchParams {
  // Without text the newest come first: Postgres and lists do so too.
  const sort = query.sort ?? (query.q === "" ? "newest" : undefined);
  return {
    limit: query.limit,
    offset: query.offset,
    attributesToRetrieve: ["item"],
    // Words may be missing, last ones first, unless hits with fewer words would be sorted among the better ones.
    matchingStrategy: query.sort || looksLikeCode(query.q) ? "all" : "last",
    filter: filters(query),
    ...(sort ? { sort: [sorts[sort]] } : {}),
    ...(query.facets.length > 0 ? { facets: query.facets.map(name => attributes[name]) } : {}),
  };
}

type Counted = {
  facetDistribution?: Record<string, Record<string, number>>;
  facetStats?: Record<string, { min: number; max: number }>;
};

export function facetsOf(query: SearchQuery, answer: Counted): Facets {
  const facets: Facets = {};
  for (const name of query.facets) {
    const attribute = attributes[name];
    if (name !== "price") facets[name] = answer.facetDistribution?.[attribute] ?? {};
    else facets.price = { ...answer.facetStats?.price };
  }
  return facets;
}
