/**
 * One request to be: first as its route wants it, with things that exist, then spoilt in none to three ways. The same seed
 * and number make the same request as long as the shops hold the same things.
 */
import { formOf } from "./forms.ts";
import { rawJson } from "./hostile.ts";
import { prefixesOf } from "./ids.ts";
import type { Operation } from "./operations.ts";
import { type Random, randomOf } from "./random.ts";
import { type Draft, spoilers } from "./spoilers.ts";
import { fittingValue } from "./values.ts";
import type { World } from "./world.ts";

export type Plan = {
  n: number;
  operation: Operation;
  method: string;
  /** Path and query. */
  target: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | null;
  /** Asks with what is the other shop's to see, or the operators'. */
  seesAll: boolean;
};

export function planOf(world: World, operations: readonly Operation[], seed: number, n: number): Plan {
  const random = randomOf(seed, n);
  const operation = operations[n % operations.length]!;
  const draft = drafted(world, operation, random);
  const spoilt = random.pick([0, 1, 1, 1, 2, 3]);
  for (let i = 0; i < spoilt; i++) random.pick(spoilers)(draft, random, world, operation);
  if (draft.json !== undefined && draft.raw === null) draft.raw = written(draft.json, random, spoilt > 0);
  return {
    n,
    operation,
    method: draft.method,
    target: targetOf(operation, draft),
    headers: draft.headers,
    body: draft.method === "GET" || draft.method === "HEAD" ? null : draft.raw,
    seesAll: operation.area === "ops" || operation.area === "console" || operation.area === "open",
  };
}

function drafted(world: World, operation: Operation, random: Random): Draft {
  const pool = operation.area === "ops" || operation.area === "console" ? world.all : world.mine.pool;
  const known = { random, pool };
  const draft: Draft = {
    params: new Map(),
    query: [],
    json: undefined,
    raw: null,
    method: operation.method,
    headers: authOf(world, operation, random),
    extraPath: "",
  };
  for (const { name, in: place, required, schema } of operation.parameters) {
    if (place === "path") {
      const kinds = prefixesOf(operation.path, name);
      draft.params.set(
        name,
        (endsIt(operation) ? pool.newest(kinds) : pool.pick(random, kinds)) ?? "nothing",
      );
    } else if (place === "query" && (required || random.chance(0.4))) {
      draft.query.push([name, String(fittingValue(schema, name, known))]);
    } else if (place === "header") draft.headers[name.toLowerCase()] = `key-${random.int(0, 1e9)}`;
  }
  const { body } = operation;
  if (body?.type === "multipart/form-data") {
    const form = formOf(operation.path, random);
    Object.assign(draft, { raw: form.bytes });
    draft.headers["content-type"] = form.type;
  } else if (body && (body.required || random.chance(0.7))) {
    draft.json = fittingValue(body.schema, "", known);
    draft.headers["content-type"] = "application/json";
  }
  if (operation.path.includes("/uploads")) Object.assign(draft.headers, tusHeaders(random, operation.method));
  if (operation.method === "PATCH" && operation.path.endsWith("/uploads/{id}")) draft.raw = "x".repeat(100);
  return draft;
}

function endsIt({ method, path }: Operation): boolean {
  return method === "DELETE" || path.endsWith("/cancel");
}

function tusHeaders(random: Random, method: string): Record<string, string> {
  const all = { "tus-resumable": "1.0.0" };
  if (method === "POST") return { ...all, "upload-length": String(random.int(1, 1_000)) };
  return method === "PATCH"
    ? { ...all, "upload-offset": "0", "content-type": "application/offset+octet-stream" }
    : all;
}

function authOf(world: World, { area, path }: Operation, random: Random): Record<string, string> {
  const { publishable, secret, session } = world.mine;
  // Most writes of the back office want the version that was read.
  if (area === "admin") return { authorization: `Bearer ${secret}`, "if-match": "*" };
  if (area !== "store") return { authorization: `Bearer ${world.opsKey}` };
  const isCustomer = random.chance(path.includes("/me") ? 0.95 : 0.3);
  // The session stays: who logs it out leaves nothing to try.
  const headers: Record<string, string> = { "x-publishable-key": publishable };
  if (isCustomer && !path.endsWith("/current")) headers.authorization = `Bearer ${session}`;
  return headers;
}

function written(json: unknown, random: Random, isSpoilt: boolean): string {
  // Writers escape lone surrogates; programs that don't send them too.
  const text = JSON.stringify(json) ?? "null";
  const raw = text.replaceAll(/"\\u0001raw(.*?)\\u0001"/g, (_, inner: string) => JSON.parse(`"${inner}"`));
  return isSpoilt && random.chance(0.1) ? `${raw} ${random.pick(rawJson)}` : raw;
}

function targetOf({ path }: Operation, { params, query, extraPath }: Draft): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(params.get(name)!));
  const asked = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
  return `${filled}${extraPath}${asked ? `?${asked}` : ""}`;
}

function encoded(text: string): string {
  // Broken escapes stay as they are: what they do to a router is what is asked.
  return /^%/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}
