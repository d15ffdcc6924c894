/**
 * Every way to name a thing of another shop, made from the OpenAPI document: in the path, in the query and in the body of each
 * operation. A parameter or field that nobody has told the kind of is refused (ids.ts), so that a new route can't go untried.
 */
import { fieldPrefixes, ownedByNobody, prefixesOf } from "./ids.ts";
import type { Operation, Schema } from "./operations.ts";
import { randomOf } from "./random.ts";
import { fittingValue } from "./values.ts";
import type { Shop, World } from "./world.ts";

export type Attack = {
  readonly operation: Operation;
  /** `path id`, `query variantId`, `body lines.0.variantId`. */
  readonly where: string;
  readonly foreignId: string;
  readonly request: Request;
};

const ORIGIN = "http://localhost";

const isOwned = (kinds: readonly string[] | null): kinds is readonly string[] =>
  kinds?.some(kind => !ownedByNobody.has(kind)) ?? false;

/** @throws when the other shop has nothing of a kind that is to be tried. */
function foreignIdsOf({ other }: World, kinds: readonly string[]): string[] {
  const known = (kind: string) => (kind === "cus" ? [other.customerId] : other.pool.of(kind).slice(0, 2));
  const ids = kinds.filter(kind => !ownedByNobody.has(kind)).flatMap(known);
  if (ids.length === 0) throw new Error(`the other shop has no ${kinds.join(" or ")}`);
  return ids;
}

/** `n`: which of the fitting bodies goes with it. */
export function attacksOn(world: World, operation: Operation, n: number): Attack[] {
  return [
    ...pathAttacks(world, operation, n),
    ...queryAttacks(world, operation, n),
    ...bodyAttacks(world, operation, n),
  ];
}

function pathAttacks(world: World, operation: Operation, n: number): Attack[] {
  const owned = operation.parameters.filter(
    one => one.in === "path" && isOwned(prefixesOf(operation.path, one.name)),
  );
  return owned.flatMap(({ name }) =>
    foreignIdsOf(world, prefixesOf(operation.path, name)).map(foreignId => ({
      operation,
      where: `path ${name}`,
      foreignId,
      request: requestOf(world, operation, n, { params: { [name]: foreignId } }),
    })),
  );
}

function queryAttacks(world: World, operation: Operation, n: number): Attack[] {
  return operation.parameters
    .filter(one => one.in === "query")
    .map(({ name }) => ({ name, kinds: fieldPrefixes(name) }))
    .filter((one): one is { name: string; kinds: readonly string[] } => isOwned(one.kinds))
    .flatMap(({ name, kinds }) =>
      foreignIdsOf(world, kinds).map(foreignId => ({
        operation,
        where: `query ${name}`,
        foreignId,
        request: requestOf(world, operation, n, { query: { [name]: foreignId } }),
      })),
    );
}

function bodyAttacks(world: World, operation: Operation, n: number): Attack[] {
  const { body } = operation;
  if (body?.type !== "application/json") return [];
  return ownedFields(body.schema).flatMap(({ path, kinds }) =>
    foreignIdsOf(world, kinds).map(foreignId => {
      const json = bodyOf(world.mine, operation, n);
      put(json, path, foreignId);
      const where = `body ${path.join(".")}`;
      return { operation, where, foreignId, request: requestOf(world, operation, n, { json }) };
    }),
  );
}

type Field = { path: string[]; kinds: readonly string[] };

/** Fields that name a thing of a shop, at any depth; of a list its first item. */
export function ownedFields(schema: Schema, path: string[] = [], name = ""): Field[] {
  const parts = schema.anyOf ?? [schema];
  return parts.flatMap(part => {
    if (part.type === "array") return ownedFields(part.items ?? {}, [...path, "0"], name);
    if (part.type === "string") {
      const kinds = fieldPrefixes(name);
      return isOwned(kinds) ? [{ path, kinds }] : [];
    }
    return Object.entries(part.properties ?? {}).flatMap(([key, inner]) =>
      ownedFields(inner, [...path, key], key),
    );
  });
}

type Holder = Record<string, unknown>;

function put(json: unknown, path: readonly string[], value: string): void {
  let holder = json as Holder;
  for (const [i, key] of path.slice(0, -1).entries()) {
    holder[key] ??= path[i + 1] === "0" ? [] : {};
    holder = holder[key] as Holder;
  }
  holder[path.at(-1)!] = value;
}

function bodyOf(shop: Shop, { body, path }: Operation, n: number): unknown {
  const known = { random: randomOf(n, path.length), pool: shop.pool };
  return fittingValue(body!.schema, "", known);
}

type Parts = { params?: Record<string, string>; query?: Record<string, string>; json?: unknown };

/** A request of the shop `mine` that fits but for `parts`. */
export function requestOf(world: World, operation: Operation, n: number, parts: Parts = {}): Request {
  const { mine } = world;
  const random = randomOf(n, operation.path.length);
  const valueFor = (name: string) =>
    parts.params?.[name] ?? mine.pool.pick(random, prefixesOf(operation.path, name)) ?? "nothing";
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(valueFor(name)),
  );
  const query = new URLSearchParams(parts.query ?? {}).toString();
  const isJson = operation.body?.type === "application/json";
  const json = isJson ? (parts.json ?? bodyOf(mine, operation, n)) : undefined;
  return new Request(`${ORIGIN}${path}${query && `?${query}`}`, {
    method: operation.method,
    headers: {
      ...credentialsOf(world, operation),
      ...(isJson ? { "content-type": "application/json" } : {}),
      ...extras(operation),
    },
    body: json === undefined ? null : JSON.stringify(json),
  });
}

function extras({ path, method }: Operation): Record<string, string> {
  if (path.includes("/uploads")) {
    return {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      ...(method === "PATCH" ? { "content-type": "application/offset+octet-stream" } : {}),
    };
  }
  return { "if-match": "*", "idempotency-key": crypto.randomUUID() };
}

function credentialsOf({ mine }: World, { area, path }: Operation): Record<string, string> {
  if (area === "admin") return { authorization: `Bearer ${mine.secret}` };
  const isCustomers = path.startsWith("/store/customers/me");
  return {
    "x-publishable-key": mine.publishable,
    ...(isCustomers ? { authorization: `Bearer ${mine.session}` } : {}),
  };
}
