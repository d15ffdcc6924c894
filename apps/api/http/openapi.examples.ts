/**
 * Examples for the API's description, made from the schemas: a schema's own example where it has one, else a value by the
 * field's name that fits its bounds. So none is forgotten, and none goes out of date; a test holds each against its schema.
 */
import type { Schema } from "./openapi.schemas.ts";

const TIME = "2026-03-01T09:30:00.000Z";

/** By the field's name, the first that fits; what is an id is told by its ending. */
const texts: readonly (readonly [name: RegExp, value: string])[] = [
  [/^(product|entity)Ids?$/, "prod_06gzjwdgye91zkssfzkz327pxg"],
  [/^variantIds?$/, "var_06gzjwdgye91zkssfzkz327pxh"],
  [/^cartId$/, "cart_06gzjwdgye91zkssfzkz327pxjq4w8n2k6t0"],
  [/^orderId$/, "ord_06gzjwdgye91zkssfzkz327pxkq4w8n2k6t0"],
  [/^assetId$/, "asset_06gzjwdgye91zkssfzkz327pxm"],
  [/^storeId$/, "store_06gzjwdgye91zkssfzkz327pxn"],
  [/^customerId$/, "cus_06gzjwdgye91zkssfzkz327pxp"],
  [/[lL]ocationId$/, "loc_06gzjwdgye91zkssfzkz327pxq"],
  [/^(defaultCurrency|currency|code)$/, "EUR"],
  [/^(countries|country)$/, "DE"],
  [/^email$|^to$/, "ada@example.org"],
  [/^password$|^newPassword$/, "correct horse battery"],
  [/^(line1)$/, "1 Quay"],
  [/^city$/, "Bristol"],
  [/^postalCode$/, "BS1 1AA"],
  [/^sku$/, "LANTERN-BRASS"],
  [/^(title|name|storeName)$/, "Brass lantern"],
  [/^(handle|prefix)$/, "brass-lantern"],
  [/^(q|query|text|suggestion)$/, "lantern"],
  [/^vendor$/, "Harbour & Sons"],
  [/^number$/, "9GR302HH"],
  [/^(kind)$/, "email.send"],
  [/^(url|href|location)$/, "https://shop.example/store/orders/ord_06gzjwdgye91zkssfzkz327pxk"],
  [/^sha256$/, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
  [/^traceparent$/, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
  [/^timeZone$/, "Europe/Berlin"],
  [/^cron$/, "0 3 * * *"],
  [/^reason$|^note$/, "counted again"],
  [/(^|[a-z])(id|Id|ids|Ids)$/, "06gzjwdgye91zkssfzkz327pxg"],
];

const numbers: readonly (readonly [name: RegExp, value: number])[] = [
  [/Minor$/, 3_900],
  [/Ppm$/, 190_000],
  [/Ms$/, 250],
  [/^(width)$/, 1_920],
  [/^(height)$/, 1_280],
  [/^bytes$|Bytes$/, 48_210],
  [/^limit$/, 24],
  [/^exponent$/, 2],
  [/^httpStatus$/, 201],
];

/** Deeper than any schema of ours; a category tree holds itself. */
const MAX_DEPTH = 12;

export function exampleOf(schema: Schema, name = "", depth = 0): unknown {
  const given =
    schema.examples?.[0] ??
    schema.example ??
    schema.const ??
    schema.enum?.[0] ??
    (schema.default || undefined);
  if (given !== undefined) return given;
  const branch = (schema.anyOf ?? schema.oneOf)?.find(one => one.type !== "null");
  if (branch) return exampleOf(branch, name, depth);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(one => exampleOf(one, name, depth)));
  switch (schema.type) {
    case "object":
      return objectOf(schema, depth);
    case "array":
      return depth < MAX_DEPTH && schema.items ? [exampleOf(schema.items, name, depth + 1)] : [];
    case "integer":
    case "number":
      return within(numbers.find(([pattern]) => pattern.test(name))?.[1] ?? 2, schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case "string":
      return textOf(schema, name);
    default:
      return {};
  }
}

function objectOf(schema: Schema, depth: number): Record<string, unknown> {
  const known = Object.entries(schema.properties ?? {}).map(([name, inner]) => [
    name,
    exampleOf(inner, name, depth + 1),
  ]);
  if (known.length > 0 || depth >= MAX_DEPTH) return Object.fromEntries(known);
  const open = Object.values(schema.patternProperties ?? {})[0] ?? schema.additionalProperties;
  return typeof open === "object" ? { lantern: exampleOf(open, "", depth + 1) } : {};
}

function within(value: number, { minimum = -Infinity, maximum = Infinity }: Schema): number {
  return Math.min(Math.max(value, minimum), maximum);
}

function textOf(schema: Schema, name: string): string {
  if (schema.format === "date-time") return TIME;
  if (schema.format === "date") return TIME.slice(0, 10);
  if (schema.format === "uuid") return "0190b2a4-7c1e-7000-8000-4bf92f3577b3";
  if (schema.format === "uri") return "https://shop.example/";
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  const named = texts.find(([field]) => field.test(name))?.[1];
  const candidates = [
    named,
    ...(pattern ? [TIME] : []),
    "lantern",
    "EUR",
    "DE",
    "ada@example.org",
    "1",
    "#b08d57",
    "09:30",
  ];
  const fits = candidates.find(
    one =>
      one !== undefined &&
      one.length >= minLength &&
      one.length <= maxLength &&
      (pattern === undefined || new RegExp(pattern, "u").test(one)),
  );
  return fits ?? "x".repeat(minLength);
}
