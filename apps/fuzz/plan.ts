/**
 * One request to be: first as its route wants it, with things that exist, then spoilt in none to three ways. The same seed
 * and number make the same request as long as the shops hold the same things.
 */
import { formOf } from "./forms.ts";
import {
  contentTypes,
  headerNames,
  headerValues,
  hostileTexts,
  hostileValue,
  rawBodies,
  rawJson,
} from "./hostile.ts";
import { prefixesOf } from "./ids.ts";
import type { Operation } from "./operations.ts";
import { type Random, randomOf } from "./random.ts";
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

/** A request while it is made: its body still a value, its path in parts. */
type Draft = {
  params: Map<string, string>;
  query: [string, string][];
  json: unknown;
  raw: string | Uint8Array<ArrayBuffer> | null;
  method: string;
  headers: Record<string, string>;
  extraPath: string;
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

/** Handles hold the marker, and what is named by one may come back. */
const idsOf = ({ pool, marker }: World["other"]) => pool.all.filter(id => !id.includes(marker));

type Spoiler = (draft: Draft, random: Random, world: World, operation: Operation) => void;

const spoilers: readonly Spoiler[] = [
  spoilValue,
  spoilValue,
  spoilValue,
  (draft, random) => {
    const [name] = random.pick([...draft.params, ["", ""] as [string, string]]);
    if (name) draft.params.set(name, random.pick(hostileTexts).slice(0, 3_000));
  },
  (draft, random, { other }) => {
    const [name] = random.pick([...draft.params, ["", ""] as [string, string]]);
    if (name) draft.params.set(name, random.pick(idsOf(other)));
  },
  (draft, random, _world, { parameters }) => {
    const names = parameters.filter(one => one.in === "query").map(one => one.name);
    const name = random.pick([...names, ...names, "unknown", "__proto__", "limit", "cursor"]);
    const text = random.pick(hostileTexts).slice(0, random.chance(0.1) ? 10_000 : 500);
    draft.query.push([name, text]);
    if (random.chance(0.2)) draft.query.push([name, random.pick(hostileTexts).slice(0, 100)]);
  },
  (draft, random) => {
    draft.headers[random.pick(headerNames)] = random.pick(headerValues);
  },
  (draft, random) => {
    draft.headers["content-type"] = random.pick(contentTypes);
    draft.raw ??= draft.json === undefined ? "x" : JSON.stringify(draft.json);
  },
  (draft, random) => {
    draft.raw = random.pick(rawBodies) as Draft["raw"];
    draft.headers["content-type"] ??= "application/json";
  },
  (draft, random) => {
    const bytes = Buffer.from(draft.raw ?? JSON.stringify(draft.json ?? {}));
    for (let i = random.int(1, 3); i > 0 && bytes.length > 0; i--) {
      bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
    }
    draft.raw = random.chance(0.5) ? bytes : bytes.subarray(0, random.int(0, bytes.length));
    draft.headers["content-type"] ??= "application/json";
  },
  (draft, random) => {
    draft.method = random.pick(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
  },
  (draft, random) => {
    for (const name of ["authorization", "x-publishable-key"]) {
      if (draft.headers[name] && random.chance(0.7)) draft.headers[name] = random.pick(headerValues);
    }
  },
  (draft, random) => {
    draft.extraPath = random.pick(["/", "//", "/..", "/%2e%2e/", "/x", "%00", ";a=b", "/%F0%9F"]);
  },
];

/** Replaces, drops, adds or repeats something in the body, at any depth. */
function spoilValue(draft: Draft, random: Random, { other }: World): void {
  const places = placesOf(draft.json);
  if (places.length === 0) return;
  const { holder, key } = random.pick(places);
  const which = random.next();
  if (which < 0.5) holder[key] = hostileValue(random);
  else if (which < 0.6) holder[key] = new RawJson(random.pick(rawJson));
  else if (which < 0.75) holder[key] = random.pick(idsOf(other));
  else if (which < 0.85) delete holder[key];
  else if (Array.isArray(holder))
    holder.push(...Array.from({ length: random.int(1, 3_000) }, () => holder[key as never]));
  else
    holder[random.pick(["extra", "__proto__", "constructor", "id", "storeId", "isAdmin"])] =
      hostileValue(random);
}

type Holder = Record<string, unknown>;

function placesOf(value: unknown): { holder: Holder; key: string }[] {
  if (typeof value !== "object" || value === null || value instanceof RawJson) return [];
  const holder = value as Holder;
  return Object.keys(holder)
    .slice(0, 20)
    .flatMap(key => [{ holder, key }, ...placesOf(holder[key])]);
}

/** Stands for a text that JSON writers never write. */
class RawJson {
  constructor(readonly text: string) {}
  toJSON() {
    return `\u0001raw${this.text}\u0001`;
  }
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
