/**
 * Filters and facets in SQL. A facet that is filtered by counts without its own filter, so those filters don't stand in
 * WHERE: `hit` has, in its array `ok`, whether each of them is met.
 */
import type { Sql } from "../../platform/postgres/index.ts";
import { type FacetName, optionFacet, type SearchQuery } from "../engine.ts";
import { allOf, type Fragment } from "./postgres.match.ts";

const MAX_FACET_VALUES = 100;
const MAX_OPTION_FACETS = 20;

export type Filter = { readonly facet: FacetName; readonly option?: string; readonly met: Fragment };

export function filtersOf(sql: Sql, query: SearchQuery): Filter[] {
  const { category, vendor, priceMin, priceMax, inStock, options = {} } = query;
  const filters: Filter[] = [];
  if (category !== undefined) {
    const value = category.toLowerCase();
    filters.push({
      facet: "category",
      met: sql`(d.category @> ARRAY[${value}] OR d.category_ids @> ARRAY[${value}])`,
    });
  }
  if (vendor !== undefined) filters.push({ facet: "vendor", met: sql`lower(d.vendor) = lower(${vendor})` });
  if (priceMin !== undefined) filters.push({ facet: "price", met: sql`d.price >= ${priceMin}` });
  if (priceMax !== undefined) filters.push({ facet: "price", met: sql`d.price <= ${priceMax}` });
  if (inStock !== undefined) filters.push({ facet: "inStock", met: sql`d.in_stock = ${inStock}` });
  for (const [option, values] of Object.entries(options)) {
    const lower = values.map(value => value.toLowerCase());
    filters.push({
      facet: "option",
      option,
      met: sql`EXISTS (SELECT FROM jsonb_array_elements_text(d.document -> 'options' -> ${option}::text) v
        WHERE lower(v) = ANY(${lower}))`,
    });
  }
  return filters;
}

/** Filters whose facet is asked for come second. */
export function parted(filters: readonly Filter[], asked: readonly FacetName[]): [Filter[], Filter[]] {
  const own = filters.filter(one => asked.includes(one.facet));
  return [filters.filter(one => !own.includes(one)), own];
}

export function okArray(sql: Sql, own: readonly Filter[]): Fragment {
  if (own.length === 0) return sql`'{}'::boolean[]`;
  const met = own.map(one => sql`coalesce(${one.met}, false)`);
  return sql`ARRAY[${met.reduce((joined, one) => sql`${joined}, ${one}`)}]`;
}

type Exempt = (filter: Filter) => boolean;

/** The rows of `hit` that meet all of `own` but those exempt. */
export function meetsOwn(sql: Sql, own: readonly Filter[], exempt: Exempt = () => false): Fragment {
  const conditions = own.flatMap((one, i) => (exempt(one) ? [] : [sql`ok[${i + 1}::int]`]));
  return allOf(sql, conditions);
}

const facetValues: Record<Exclude<FacetName, "price" | "option">, (sql: Sql) => Fragment> = {
  category: sql => sql`unnest(category)`,
  tag: sql => sql`unnest(tags)`,
  vendor: sql => sql`unnest(ARRAY[vendor]) `,
  inStock: sql => sql`unnest(ARRAY[in_stock::text])`,
};

/** One jsonb object with all facets that are asked for. */
export function facetsOf(sql: Sql, query: SearchQuery, own: readonly Filter[]): Fragment {
  const parts = query.facets.map(name =>
    name === "option"
      ? optionFacets(sql, own)
      : sql`jsonb_build_object(${name}::text, ${facet(sql, name, own)})`,
  );
  return parts.reduce((joined, one) => sql`${joined} || ${one}`, sql`'{}'::jsonb`);
}

function facet(sql: Sql, name: Exclude<FacetName, "option">, own: readonly Filter[]): Fragment {
  const where = meetsOwn(sql, own, one => one.facet === name);
  if (name === "price") {
    return sql`(SELECT CASE WHEN count(price) = 0 THEN '{}'::jsonb
      ELSE jsonb_build_object('min', min(price), 'max', max(price)) END FROM hit WHERE ${where})`;
  }
  return counted(sql, sql`SELECT v FROM hit, ${facetValues[name](sql)} v WHERE v <> '' AND ${where}`);
}

function counted(sql: Sql, values: Fragment): Fragment {
  return sql`(SELECT coalesce(jsonb_object_agg(v, products), '{}') FROM (
    SELECT v, count(*) AS products FROM (${values}) one GROUP BY v ORDER BY products DESC, v
    LIMIT ${MAX_FACET_VALUES}) most)`;
}

/** An object of a facet each: for options that are filtered by one by one, for the others in one go. */
function optionFacets(sql: Sql, own: readonly Filter[]): Fragment {
  const filtered = own.flatMap(one => one.option ?? []);
  const others = sql`(SELECT coalesce(jsonb_object_agg(${optionFacet("")}::text || name, counts), '{}') FROM (
    SELECT name, jsonb_object_agg(v, products) AS counts FROM (
      SELECT o.name, v, count(*) AS products, row_number() OVER (PARTITION BY o.name ORDER BY count(*) DESC, v) AS place
      FROM hit, jsonb_each(options) o(name, list), jsonb_array_elements_text(o.list) v
      WHERE o.name <> ALL(${filtered}::text[]) AND ${meetsOwn(sql, own)} GROUP BY o.name, v) one
    WHERE place <= ${MAX_FACET_VALUES} GROUP BY name ORDER BY sum(products) DESC, name LIMIT ${MAX_OPTION_FACETS}) most)`;
  return filtered.reduce((joined, name) => {
    const where = meetsOwn(sql, own, one => one.option === name);
    const values = sql`SELECT v FROM hit, jsonb_array_elements_text(options -> ${name}::text) v WHERE ${where}`;
    return sql`${joined} || jsonb_build_object(${optionFacet(name)}::text, ${counted(sql, values)})`;
  }, others);
}
