/**
 * Use cases of collections. A write takes the store's lock of groups, under which summaries are computed too: what was
 * computed by the old rule is committed before the new rule is, and the job that `collection.changed` causes finds it.
 */
import { emit } from "../../bus/index.ts";
import { type FieldError, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { freeHandle, handleFault, lockGroups, presentProducts } from "../catalog/index.ts";
import {
  type Collection,
  type Facts,
  fits,
  limits,
  type Membership,
  type Rule,
  type RuleInput,
} from "./model.ts";
import { resolved } from "./rules.ts";
import * as store from "./store.ts";

const MAX_ERRORS = 20;

/** A field left out keeps what the collection has. A rule and picks exclude each other; `rule: null` ends the rule. */
export type CollectionInput = {
  title?: string | undefined;
  handle?: string | undefined;
  description?: string | undefined;
  rule?: RuleInput | null | undefined;
  /** Ids, in order. */
  productIds?: string[] | undefined;
};

export function getCollection(sql: Sql, storeId: string, id: string): Promise<Collection | null> {
  return isId("col", id) ? store.selectOne(sql, storeId, id) : Promise.resolve(null);
}

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listCollections(
  sql: Sql,
  storeId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Page<Collection>> {
  const before = idCursor("col", cursor);
  return pageOf(await store.selectPage(sql, storeId, { before, limit: limit + 1 }), limit);
}

/** @throws Problem 422 with the faults by field. */
export function createCollection(
  sql: Db,
  author: Author,
  input: CollectionInput & { title: string },
): Promise<Collection> {
  const blank = { id: newId("col"), handle: "", title: "", description: "", rule: null, productIds: [] };
  return transaction(sql, async tx => {
    await lockGroups(tx, author.storeId);
    const after = await applied(tx, author.storeId, blank, input);
    await store.insertCollection(tx, author.storeId, after);
    await store.replacePicks(tx, author.storeId, after.id, after.productIds);
    await finish(tx, author, "create", after.id, null, after);
    return (await store.selectOne(tx, author.storeId, after.id))!;
  });
}

/** @throws Problem 404; 412 when `expected` is not its version; 422. */
export function changeCollection(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
  input: CollectionInput,
): Promise<Collection> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const after = await applied(tx, author.storeId, before, input);
    await store.updateCollection(tx, author.storeId, after);
    if (!Bun.deepEquals(before.productIds, after.productIds)) {
      await store.replacePicks(tx, author.storeId, id, after.productIds);
    }
    await finish(tx, author, "update", id, before, after);
    return (await store.selectOne(tx, author.storeId, id))!;
  });
}

/** Its products stay. @throws Problem 404; 412. */
export function removeCollection(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
): Promise<void> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    await store.deleteCollection(tx, author.storeId, id);
    await finish(tx, author, "delete", id, before, null);
  });
}

async function locked(tx: Tx, storeId: string, id: string, expected: number | "any"): Promise<Collection> {
  await lockGroups(tx, storeId);
  const found = isId("col", id) ? await store.lockOne(tx, storeId, id) : null;
  if (!found) throw notFound("collection");
  if (expected !== "any" && found.version !== expected) throw stale(found.version);
  return found;
}

type Content = store.CollectionRow & { productIds: string[] };

async function finish(
  tx: Tx,
  author: Author,
  action: string,
  id: string,
  before: Content | null,
  after: Content | null,
): Promise<void> {
  const told = (content: Content | null) =>
    content && {
      handle: content.handle,
      title: content.title,
      description: content.description,
      rule: content.rule,
      productIds: content.productIds,
    };
  const changes = diff(told(before), told(after));
  await recordAudit(tx, { ...author, action, entity: "collection", entityId: id, changes });
  await emit(tx, author, { type: "collection.changed", collectionId: id });
}

/** The collection with the input applied. @throws Problem 422 with all faults. */
async function applied(tx: Tx, storeId: string, before: Content, input: CollectionInput): Promise<Content> {
  const errors: FieldError[] = [];
  const title = input.title === undefined ? before.title : clean(input.title);
  if (title === "") errors.push({ path: "title", message: "must not be empty" });
  const rule = input.rule === undefined ? before.rule : input.rule;
  const productIds = input.productIds ?? (rule === null ? before.productIds : []);
  if (rule !== null && productIds.length > 0) {
    errors.push({ path: "productIds", message: "can't be picked by hand where there is a rule" });
  }
  await checkPicks(tx, storeId, input.productIds ?? [], errors);
  const after = {
    id: before.id,
    title,
    description: input.description === undefined ? before.description : clean(input.description),
    handle: await handleFor(tx, storeId, before, input, title, errors),
    // One that stands is left alone, also where a category of it is gone.
    rule: input.rule ? await resolved(tx, storeId, input.rule, errors) : (rule as Rule | null),
    productIds,
  };
  if (rule !== null && before.rule === null && (await store.countRules(tx, storeId)) >= limits.rules) {
    errors.push({ path: "rule", message: `a store has ${limits.rules} collections with rules at most` });
  }
  if (errors.length > 0) throw invalid(errors.slice(0, MAX_ERRORS));
  return after;
}

async function handleFor(
  tx: Tx,
  storeId: string,
  before: Content,
  input: CollectionInput,
  title: string,
  errors: FieldError[],
): Promise<string> {
  if (input.handle === undefined && before.handle !== "") return before.handle;
  if (input.handle === undefined)
    return freeHandle(title, "collection", base => store.selectHandles(tx, storeId, base));
  const handle = clean(input.handle);
  const fault = handleFault(handle);
  if (fault) errors.push({ path: "handle", message: fault });
  else if (handle !== before.handle && (await store.selectHandles(tx, storeId, handle)).includes(handle)) {
    errors.push({ path: "handle", message: "is used by another collection" });
  }
  return handle;
}

async function checkPicks(
  tx: Tx,
  storeId: string,
  productIds: readonly string[],
  errors: FieldError[],
): Promise<void> {
  if (productIds.length === 0) return;
  const known = await presentProducts(tx, storeId, productIds);
  const seen = new Set<string>();
  for (const [index, id] of productIds.entries()) {
    const path = `productIds.${index}`;
    if (!known.has(id)) errors.push({ path, message: "is no product of this store" });
    else if (seen.has(id)) errors.push({ path, message: "is picked twice" });
    seen.add(id);
  }
}

/**
 * The collections that each of these products belongs in by picks and rules as they are now: two statements, however
 * many products. Whoever writes memberships down holds the lock of groups.
 */
export async function membershipsOf(
  sql: Sql,
  storeId: string,
  facts: ReadonlyMap<string, Facts>,
): Promise<Map<string, Membership[]>> {
  const [rules, picks] = await Promise.all([
    store.selectRules(sql, storeId),
    store.selectPicks(sql, storeId, [...facts.keys()]),
  ]);
  const byProduct = Map.groupBy(picks, pick => pick.productId);
  return new Map(
    [...facts].map(([productId, known]) => {
      const picked = (byProduct.get(productId) ?? []).map(({ productId: _, ...membership }) => membership);
      const ruled = rules
        .filter(({ rule }) => fits(rule, known))
        .map(({ id, handle, title }) => ({ id, handle, title, position: null }));
      return [productId, [...picked, ...ruled].sort((a, b) => (a.handle < b.handle ? -1 : 1))];
    }),
  );
}
