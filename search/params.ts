/** From the parameters of a request to a query within bounds. Pure. */
import { invalid } from "../platform/errors.ts";
import { type FacetName, facetNames, type SearchQuery, type SearchSort } from "./engine.ts";

export const limits = {
  q: 200,
  value: 255,
  options: 1_000,
  limit: 100,
  offset: 1_000,
  price: 1_000_000_000_000,
} as const;

/** Of one query. */
const MAX_OPTIONS = 5;
const MAX_OPTION_VALUES = 20;
const DEFAULT_LIMIT = 24;

export type SearchParams = {
  readonly q?: string | undefined;
  readonly category?: string | undefined;
  readonly vendor?: string | undefined;
  readonly priceMin?: number | undefined;
  readonly priceMax?: number | undefined;
  readonly inStock?: boolean | undefined;
  /** `Colour:Red;Colour:Blue;Size:M`. A backslash takes the meaning from the character behind it. */
  readonly options?: string | undefined;
  readonly sort?: SearchSort | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** Names separated by commas. */
  readonly facets?: string | undefined;
  /** Say where the words of the query are in each hit. */
  readonly highlight?: boolean | undefined;
};

/** Control and format characters (NUL, direction marks), which no product is found by. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]+/gu;

/** @throws Problem 422 that names the parameter. */
export function queryOf(params: SearchParams): SearchQuery {
  const { priceMin, priceMax, limit = DEFAULT_LIMIT, offset = 0 } = params;
  bounded("q", params.q?.length ?? 0, 0, limits.q, "characters");
  bounded("limit", limit, 1, limits.limit);
  bounded("offset", offset, 0, limits.offset);
  if (priceMin !== undefined && priceMax !== undefined && priceMin > priceMax) {
    throw invalid([{ path: "priceMin", message: "must not be above priceMax" }]);
  }
  return {
    q: textOf(params.q),
    category: plain(params.category),
    vendor: plain(params.vendor),
    priceMin,
    priceMax,
    inStock: params.inStock,
    options: optionsOf(params.options),
    sort: params.sort,
    limit,
    offset,
    facets: facetsOf(params.facets),
    describe: params.highlight || undefined,
  };
}

/** What was typed, as engines get it. Space at its end stays: it tells that the last word is complete. */
export function textOf(q: string | undefined): string {
  return (q ?? "").normalize("NFC").replace(INVISIBLE, " ").trimStart().slice(0, limits.q);
}

/** An empty filter, as forms send it, is none. */
function plain(value: string | undefined): string | undefined {
  return value?.replace(INVISIBLE, " ").slice(0, limits.value) || undefined;
}

function bounded(path: string, value: number, min: number, max: number, unit = ""): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid([{ path, message: `must be from ${min} to ${max} ${unit}`.trim() }]);
}

function facetsOf(list: string | undefined): FacetName[] {
  const names = new Set((list ?? "").split(",").map(name => name.trim()));
  names.delete("");
  for (const name of names) {
    if (!facetNames.includes(name as FacetName)) {
      throw invalid([{ path: "facets", message: `must be a list of ${facetNames.join(", ")}` }]);
    }
  }
  return [...names] as FacetName[];
}

function optionsOf(text: string | undefined): Record<string, string[]> | undefined {
  const pairs = (text ?? "").replace(INVISIBLE, " ").match(/(?:\\.|[^\\;])+/gu) ?? [];
  const options = new Map<string, string[]>();
  for (const pair of pairs) {
    const [, name = "", value = ""] = /^((?:\\.|[^\\:])*):(.*)$/u.exec(pair) ?? [];
    if (!name.trim() || !value.trim()) throw badOptions("must be pairs such as Colour:Red;Size:M");
    const values = options.get(bare(name)) ?? [];
    options.set(bare(name), [...values, bare(value)]);
  }
  if (options.size > MAX_OPTIONS) throw badOptions(`must be of at most ${MAX_OPTIONS} options`);
  if ([...options.values()].some(values => values.length > MAX_OPTION_VALUES))
    throw badOptions(`must have at most ${MAX_OPTION_VALUES} values of an option`);
  return options.size > 0 ? Object.fromEntries(options) : undefined;
}

const bare = (text: string) => text.replace(/\\(.)/gu, "$1").trim().slice(0, limits.value);
const badOptions = (message: string) => invalid([{ path: "options", message }]);
