/** A query in Meilisearch's words. Values are quoted here and nowhere else. */
import type { MultiSearchQuery } from "meilisearch";
import { type FacetName, type Facets, optionFacet, type SearchQuery } from "../engine.ts";

/** A value or an attribute inside a filter expression; nothing in it can end the quotation. */
function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

const attributes: Record<FacetName, string> = {
  category: "category",
  vendor: "vendor",
  tag: "tags",
  inStock: "inStock",
  price: "price",
  option: "options",
};

type Filter = {
  /** The attribute whose facet does not see this filter. */
  readonly attribute: string;
  readonly expression: string;
};

function filtersOf(query: SearchQuery): Filter[] {
  const { category, vendor, priceMin, priceMax, inStock, options = {}, exclude } = query;
  const filters: Filter[] = [];
  const add = (attribute: string, expression: string) => filters.push({ attribute, expression });
  if (category !== undefined)
    add("category", `(category = ${quoted(category)} OR categoryIds = ${quoted(category)})`);
  if (vendor !== undefined) add("vendor", `vendor = ${quoted(vendor)}`);
  if (priceMin !== undefined) add("price", `price >= ${priceMin}`);
  if (priceMax !== undefined) add("price", `price <= ${priceMax}`);
  if (inStock !== undefined) add("inStock", `inStock = ${inStock}`);
  for (const [name, values] of Object.entries(options))
    add(`options.${name}`, `${quoted(`options.${name}`)} IN [${values.map(quoted).join()}]`);
  if (exclude !== undefined) add("id", `id != ${quoted(exclude)}`);
  return filters;
}

const sorts = {
  newest: "createdAt:desc",
  title: "title:asc",
  price: "price:asc",
  "-price": "price:desc",
} as const;

/** SKUs and barcodes, and what looks like them: a part that differs is another article. */
export function looksLikeCode(q: string): boolean {
  return /^\S*\d\S*$/.test(q) && /^[\p{L}\p{N}]+(?:[-_./][\p{L}\p{N}]+)*$/u.test(q) && q.length >= 4;
}

/** Words may be missing, last ones first, unless hits with fewer words would be sorted among the better ones. */
function strategyOf(query: SearchQuery): "all" | "last" {
  return query.sort || looksLikeCode(query.q) ? "all" : "last";
}

/** Of a hit. What it shows is kept by version (meilisearch.items.ts). */
const SHOWN = ["id", "v"];
const MAX_ANY_WORDS = 10;

/** Any word is enough: a query for each, whose hits the engine merges. No matching strategy of its own does that. */
export function anyWordQueries(indexUid: string, query: SearchQuery): MultiSearchQuery[] {
  const words = query.q.match(/[\p{L}\p{N}]+/gu)?.slice(0, MAX_ANY_WORDS) ?? [""];
  const filter = filtersOf(query).map(one => one.expression);
  return words.map(q => ({ indexUid, q, filter, attributesToRetrieve: SHOWN }));
}

/**
 * The hits first, then one query without hits for each facet that is filtered by: its counts are those without that
 * filter. All go to the engine as one request.
 */
export function searchQueries(indexUid: string, query: SearchQuery): MultiSearchQuery[] {
  // Without text the newest come first: Postgres and lists do so too.
  const sort = query.sort ?? (query.q === "" ? "newest" : undefined);
  const filters = filtersOf(query);
  const facets = query.facets.map(name => attributes[name]);
  const common = { indexUid, q: query.q, matchingStrategy: strategyOf(query) };
  const own = ownFacets(query, filters);
  return [
    {
      ...common,
      limit: query.limit,
      offset: query.offset,
      attributesToRetrieve: query.describe ? [...SHOWN, "description"] : SHOWN,
      filter: filters.map(one => one.expression),
      ...(sort ? { sort: [sorts[sort]] } : {}),
      ...(facets.length > 0 ? { facets } : {}),
    },
    ...own.map(facet => ({
      ...common,
      limit: 0,
      filter: filters.filter(one => one.attribute !== facet).map(one => one.expression),
      facets: [facet],
    })),
  ];
}

/** Attributes of facets that are asked for and filtered by. */
function ownFacets(query: SearchQuery, filters: readonly Filter[]): string[] {
  const asked = new Set(query.facets.map(name => attributes[name]));
  const own = filters.map(one => one.attribute).filter(one => asked.has(one.split(".")[0]!));
  return [...new Set(own)];
}

export type Counted = {
  facetDistribution?: Record<string, Record<string, number>>;
  facetStats?: Record<string, { min: number; max: number }>;
};

export function facetsOf(query: SearchQuery, answers: readonly Counted[]): Facets {
  // Later answers are those without a facet's own filter.
  const distribution = Object.assign({}, ...answers.map(one => one.facetDistribution));
  const stats = Object.assign({}, ...answers.map(one => one.facetStats));
  const facets: Facets = {};
  for (const name of query.facets) {
    if (name === "price") facets.price = { ...stats.price };
    else if (name === "option") Object.assign(facets, optionFacets(distribution));
    else facets[name] = distribution[attributes[name]] ?? {};
  }
  return facets;
}

function optionFacets(distribution: Record<string, Record<string, number>>): Facets {
  const options = Object.entries(distribution).filter(
    ([name, counts]) => name.startsWith("options.") && Object.keys(counts).length > 0,
  );
  return Object.fromEntries(options.map(([name, counts]) => [optionFacet(name.slice(8)), counts]));
}
