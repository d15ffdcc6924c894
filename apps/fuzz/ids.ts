/**
 * Which ids go where. Every path parameter of the API has a row here, and so has every field or query parameter that names
 * an object: a route with another one is refused (`prefixesOf` throws), so that none goes untried.
 */
import type { Random } from "./random.ts";

/** By the path up to the parameter. Words without an underscore at their end are values of the pool's own kinds. */
const pathParameters: Readonly<Record<string, readonly string[]>> = {
  "/admin/products/{id}": ["prod"],
  "/admin/categories/{id}": ["cat"],
  "/admin/collections/{id}": ["col"],
  "/admin/price-lists/{id}": ["plist"],
  "/admin/tax-rates/{id}": ["tax"],
  "/admin/shipping-methods/{id}": ["ship"],
  "/admin/locations/{id}": ["loc"],
  "/admin/transfers/{id}": ["trf"],
  "/admin/orders/{id}": ["ord"],
  "/admin/imports/{id}": ["imp"],
  "/admin/erasures/{id}": ["era"],
  "/admin/media/{id}": ["asset"],
  "/admin/media/uploads/{id}": ["upload"],
  "/admin/media/direct/{id}": ["upload"],
  "/admin/media/presets/{name}": ["preset"],
  "/admin/currencies/{code}": ["currency"],
  "/admin/inventory/{variantId}": ["var"],
  "/store/products/{idOrHandle}": ["prod", "handle"],
  "/store/carts/{id}": ["cart"],
  "/store/carts/{id}/lines/{lineId}": ["line"],
  "/store/orders/{id}": ["ord"],
  "/store/password-resets/{token}": ["pwr"],
  "/media/{file}": ["file"],
  "/media/private/{file}": ["file"],
  "/media/{file}/{size}": ["size"],
  "/webhooks/stripe/{storeId}": ["store"],
  "/ops/pools/{priority}": ["priority"],
  "/ops/kinds/{kind}": ["kind"],
  "/ops/jobs/{id}": ["job"],
  "/ops/schedules/{name}": ["schedule"],
  "/ops/dead/{id}": ["dead"],
  "/ops/dead/canaries/{id}": ["canary"],
  "/ops/keys/{id}": ["key"],
  "/ops/stores/{id}": ["store"],
  "/ops/mailbox/{id}": ["mail"],
  "/console/mail/{id}": ["mail"],
};

/** Fields of bodies and query parameters that name an object of a store. */
const fields: Readonly<Record<string, readonly string[]>> = {
  variantId: ["var"],
  productId: ["prod"],
  productIds: ["prod"],
  locationId: ["loc"],
  fromLocationId: ["loc"],
  toLocationId: ["loc"],
  parentId: ["cat"],
  category: ["cat", "handle"],
  categories: ["cat", "handle"],
  collection: ["col", "handle"],
  shippingMethod: ["ship"],
  assetId: ["asset"],
  customerId: ["cus"],
  cartId: ["cart"],
  entityId: ["prod", "plist", "loc", "trf"],
  storeId: ["store"],
  segmentIds: ["seg"],
  actor: ["key"],
  ids: ["dead"],
  id: ["var"],
  canaryId: ["canary"],
};

/** Kinds that no store owns. */
export const ownedByNobody: ReadonlySet<string> = new Set([
  "preset",
  "currency",
  "size",
  "priority",
  "kind",
  "schedule",
  "seg",
  "file",
  "pwr",
]);

/** The kinds of id that a path parameter takes. @throws for a parameter that has no row. */
export function prefixesOf(path: string, name: string): readonly string[] {
  const end = path.indexOf(`{${name}}`) + name.length + 2;
  const found = pathParameters[path.slice(0, end)];
  if (!found) throw new Error(`apps/fuzz/ids.ts has no row for ${path.slice(0, end)}`);
  return found;
}

/** The kinds of id that a field takes; null for one that names no object. @throws for what looks like an unknown id. */
export function fieldPrefixes(name: string): readonly string[] | null {
  const found = fields[name];
  if (found) return found;
  if (/(Id|Ids)$/.test(name)) throw new Error(`apps/fuzz/ids.ts has no row for the field ${name}`);
  return null;
}

const ID = /^([a-z]+)_[0-9a-z]{8,48}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_OF_A_KIND = 60;

/** The ids that a caller has seen, by kind. The newest push the oldest out, since much of what is tried deletes. */
export class IdPool {
  readonly #known = new Map<string, string[]>();
  readonly #kept = new Set<string>();

  /** What the run itself needs: never named, so that no request ends it. */
  keep(...ids: string[]): this {
    for (const id of ids) this.#kept.add(id);
    for (const [kind, list] of this.#known)
      this.#known.set(
        kind,
        list.filter(id => !this.#kept.has(id)),
      );
    return this;
  }

  add(kind: string, ...ids: string[]): this {
    const list = this.#known.get(kind) ?? [];
    for (const id of ids) {
      if (list.includes(id) || this.#kept.has(id)) continue;
      list.push(id);
      if (list.length > MAX_OF_A_KIND) list.shift();
    }
    this.#known.set(kind, list);
    return this;
  }

  /** Takes what an answer names. */
  learn(value: unknown, depth = 0): void {
    if (typeof value === "string") {
      const kind = ID.exec(value)?.[1];
      if (kind) this.add(kind, value);
      else if (UUID.test(value)) this.add("job", value);
    } else if (typeof value === "object" && value !== null && depth < 8) {
      for (const inner of Object.values(value).slice(0, 50)) this.learn(inner, depth + 1);
    }
  }

  of(kind: string): readonly string[] {
    return this.#known.get(kind) ?? [];
  }

  pick(random: Random, kinds: readonly string[]): string | undefined {
    const known = this.of(random.pick(kinds));
    return known.length === 0 ? undefined : random.pick(known);
  }

  /** For requests that end a thing: the last to come, so that the others stay for those that need them. */
  newest(kinds: readonly string[]): string | undefined {
    return this.of(kinds[0]!).at(-1);
  }

  get all(): string[] {
    return [...this.#known.values()].flat();
  }
}
