/** The ways in which a request that fits is spoilt. */
import {
  contentTypes,
  headerNames,
  headerValues,
  hostileTexts,
  hostileValue,
  rawBodies,
  rawJson,
} from "./hostile.ts";
import type { Operation } from "./operations.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** A request while it is made: its body still a value, its path in parts. */
export type Draft = {
  params: Map<string, string>;
  query: [string, string][];
  json: unknown;
  raw: string | Uint8Array<ArrayBuffer> | null;
  method: string;
  headers: Record<string, string>;
  extraPath: string;
};

/** Handles hold the marker, and what is named by one may come back. */
const idsOf = ({ pool, marker }: World["other"]) => pool.all.filter(id => !id.includes(marker));

type Spoiler = (draft: Draft, random: Random, world: World, operation: Operation) => void;

export const spoilers: readonly Spoiler[] = [
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
