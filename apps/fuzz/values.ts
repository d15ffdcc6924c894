/** Values that fit a schema, with ids of things that exist where a field names one. */
import { fieldPrefixes, type IdPool } from "./ids.ts";
import type { Schema } from "./operations.ts";
import type { Random } from "./random.ts";

/** One of these fits each pattern in use; which, the pattern itself decides. */
const words = [
  "EUR",
  "USD",
  "DE",
  "FR",
  "lamp",
  "Red lamp 2",
  "ünïcödé 灯 🏮",
  "buyer@shop.example",
  "2026-01-01T00:00:00Z",
  "2031-12-31T23:59:59.5+02:00",
  "pm_card_visa",
  "https://shop.example/a.png",
  "vip",
  "00000000-0000-4000-8000-000000000000",
  "x".repeat(12),
] as const;

/** Words that a field of this name means, whatever its schema leaves open. */
const meant: Readonly<Record<string, readonly unknown[]>> = {
  kind: ["drill.noop.low", "drill.sleep.high", "email.send", "search.index", "publishable", "secret"],
  email: ["buyer@shop.example", "other@shop.example"],
  to: ["2026-01-31"],
  from: ["2026-01-01"],
  since: ["2026-01-01T00:00:00Z"],
  until: ["2031-01-01T00:00:00Z"],
  runAt: ["2031-01-01T00:00:00Z"],
  country: ["DE"],
  currency: ["EUR", "USD"],
  password: ["correct horse battery"],
  payload: [{}, { ms: 1 }, { failures: 2 }, { productId: "prod_x" }],
  facets: ["category,price", "option"],
  options: ["Colour:Red;Colour:Blue"],
};

/** What a machine has to carry when it is granted: refusals above the bounds are asked for all the same. */
const most: Readonly<Record<string, number>> = { processes: 2, floor: 1, ceiling: 2 };

export type Known = { readonly random: Random; readonly pool: IdPool };

export function fittingValue(schema: Schema, name: string, known: Known): unknown {
  const { random, pool } = known;
  const prefixes = fieldPrefixes(name);
  if (schema.type === "string" && prefixes && random.chance(0.9)) {
    const id = pool.pick(random, prefixes);
    if (id !== undefined) return id;
  }
  const hints = meant[name];
  const isOpen = schema.type === "string" || schema.type === undefined;
  if (hints && isOpen && !schema.anyOf && random.chance(0.8)) return structuredClone(random.pick(hints));
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  if (schema.anyOf) return fittingValue(random.pick(wanted(schema.anyOf)), name, known);
  switch (schema.type) {
    case "string":
      return text(schema, random);
    case "integer":
      return whole(name in most ? { ...schema, maximum: most[name]! } : schema, random);
    case "number":
      return (schema.minimum ?? 0) + random.next() * ((schema.maximum ?? 1_000) - (schema.minimum ?? 0));
    case "boolean":
      return random.chance(0.5);
    case "array":
      return list(schema, name, known);
    case "object":
      return object(schema, known);
    case "null":
      return null;
    default:
      return structuredClone(random.pick([{}, 1, "text", null]));
  }
}

/** Numbers may come as texts to Elysia, in queries; in bodies the number is meant. */
function wanted(parts: readonly Schema[]): readonly Schema[] {
  const numbers = parts.filter(one => one.type === "integer" || one.type === "number");
  return numbers.length > 0 ? numbers : parts;
}

function text({ pattern, minLength = 0, maxLength = 64 }: Schema, random: Random): string {
  const fitting = new RegExp(pattern ?? "");
  const good = words.filter(one => one.length >= minLength && one.length <= maxLength && fitting.test(one));
  return good.length > 0 ? random.pick(good) : "x".repeat(Math.max(minLength, 1));
}

/** Mostly small, sometimes a bound. */
function whole({ minimum = 0, maximum = 1_000_000 }: Schema, random: Random): number {
  if (random.chance(0.2)) return random.pick([minimum, maximum]);
  return random.int(minimum, Math.min(maximum, Math.max(minimum, 0) + 10));
}

function list(schema: Schema, name: string, known: Known): unknown[] {
  const { minItems = 0, maxItems = 5, items = {} } = schema;
  const length = known.random.int(minItems, Math.min(maxItems, minItems + 3));
  return Array.from({ length }, () => fittingValue(items, name, known));
}

function object(schema: Schema, known: Known): Record<string, unknown> {
  const required = new Set(schema.required ?? []);
  const entries = Object.entries(schema.properties ?? {})
    .filter(([name]) => required.has(name) || known.random.chance(0.5))
    .map(([name, inner]) => [name, fittingValue(inner, name, known)]);
  const open = Object.values(schema.patternProperties ?? {})[0];
  if (open) entries.push(["Colour", fittingValue(open, "Colour", known)]);
  return Object.fromEntries(entries);
}
