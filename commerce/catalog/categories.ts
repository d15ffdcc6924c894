/**
 * The category tree. Writes take the store's lock of groups: the tree stands still while a branch is checked and moved,
 * so that two moves can't make a circle between them.
 */
import { emit } from "../../bus/index.ts";
import { conflict, type FieldError, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { freeHandle, handleFault } from "./model.ts";
import * as store from "./store.groups.ts";

export type CategoryNode = store.CategoryRow;

/** A field left out keeps what the category has. */
export type CategoryInput = {
  title?: string | undefined;
  handle?: string | undefined;
  /** Id or handle; null: a root. */
  parentId?: string | null | undefined;
  /** Among its siblings. */
  position?: number | undefined;
};

const MAX_LEVELS = 10;
const MAX_CATEGORIES = 10_000;

export function getCategory(sql: Sql, storeId: string, id: string): Promise<CategoryNode | null> {
  return isId("cat", id) ? store.selectCategory(sql, storeId, id) : Promise.resolve(null);
}

/** Oldest first. @throws Problem 422 for a made-up cursor. */
export async function listCategories(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; parentId?: string | null | undefined },
): Promise<Page<CategoryNode>> {
  const { limit, parentId } = query;
  const after = idCursor("cat", query.cursor);
  return pageOf(await store.selectCategories(sql, storeId, { after, parentId, limit: limit + 1 }), limit);
}

/** @throws Problem 422 with the faults by field. */
export function createCategory(
  sql: Db,
  author: Author,
  input: CategoryInput & { title: string },
): Promise<CategoryNode> {
  const id = newId("cat");
  const blank = { id, handle: "", title: "", parentId: null, path: [id], position: 0 };
  return transaction(sql, async tx => {
    await store.lockGroups(tx, author.storeId);
    const after = await applied(tx, author.storeId, blank, input);
    await store.insertCategory(tx, author.storeId, after);
    await audit(tx, author, "create", id, null, after);
    await emit(tx, author, { type: "category.created", categoryId: id });
    return (await store.selectCategory(tx, author.storeId, id))!;
  });
}

/** @throws Problem 404; 412 when `expected` is not its version; 422. */
export function changeCategory(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
  input: CategoryInput,
): Promise<CategoryNode> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const after = await applied(tx, author.storeId, before, input);
    await store.updateCategory(tx, author.storeId, after);
    await audit(tx, author, "update", id, before, after);
    await emit(tx, author, { type: "category.changed", categoryId: id });
    return (await store.selectCategory(tx, author.storeId, id))!;
  });
}

/** Its products stay, out of it. @throws Problem 404; 409 `category_has_children`; 412. */
export function removeCategory(sql: Db, author: Author, id: string, expected: number | "any"): Promise<void> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const { children } = await store.selectExtent(tx, author.storeId, id);
    if (children > 0) {
      throw conflict("category_has_children", "Remove or move the categories below it first.", { children });
    }
    await store.deleteCategory(tx, author.storeId, id);
    await audit(tx, author, "delete", id, before, null);
    await emit(tx, author, { type: "category.changed", categoryId: id });
  });
}

async function locked(tx: Tx, storeId: string, id: string, expected: number | "any"): Promise<CategoryNode> {
  await store.lockGroups(tx, storeId);
  const found = await getCategory(tx, storeId, id);
  if (!found) throw notFound("category");
  if (expected !== "any" && found.version !== expected) throw stale(found.version);
  return found;
}

type Content = store.CategoryContent;

async function audit(
  tx: Tx,
  author: Author,
  action: string,
  id: string,
  before: Content | null,
  after: Content | null,
): Promise<void> {
  const told = (one: Content | null) =>
    one && { handle: one.handle, title: one.title, parentId: one.parentId, position: one.position };
  const changes = diff(told(before), told(after));
  await recordAudit(tx, { ...author, action, entity: "category", entityId: id, changes });
}

/** The category with the input applied. @throws Problem 422 with all faults. */
async function applied(tx: Tx, storeId: string, before: Content, input: CategoryInput): Promise<Content> {
  const errors: FieldError[] = [];
  const title = input.title === undefined ? before.title : clean(input.title);
  if (title === "") errors.push({ path: "title", message: "must not be empty" });
  const handle = await handleFor(tx, storeId, before, input, title, errors);
  const place = await placeOf(tx, storeId, before, input, errors);
  if (errors.length > 0) throw invalid(errors);
  const { parentId, path } = place;
  return { id: before.id, title, handle, parentId, path, position: input.position ?? before.position };
}

async function handleFor(
  tx: Tx,
  storeId: string,
  before: Content,
  input: CategoryInput,
  title: string,
  errors: FieldError[],
): Promise<string> {
  const taken = (base: string) => store.selectCategoryHandles(tx, storeId, base);
  if (input.handle === undefined) return before.handle || freeHandle(title, "category", taken);
  const handle = clean(input.handle);
  const fault = handleFault(handle);
  if (fault) errors.push({ path: "handle", message: fault });
  else if (handle !== before.handle && (await taken(handle)).includes(handle)) {
    errors.push({ path: "handle", message: "is used by another category" });
  }
  return handle;
}

async function placeOf(
  tx: Tx,
  storeId: string,
  before: Content,
  input: CategoryInput,
  errors: FieldError[],
): Promise<Pick<Content, "parentId" | "path">> {
  const { levels, count } = await store.selectExtent(tx, storeId, before.id);
  if (levels === 0 && count >= MAX_CATEGORIES) {
    errors.push({
      path: "title",
      message: `can't be added: a store has ${MAX_CATEGORIES} categories at most`,
    });
  }
  if (input.parentId === undefined) return before;
  if (input.parentId === null) return { parentId: null, path: [before.id] };
  const wanted = await findCategories(tx, storeId, [input.parentId]);
  const parent = await getCategory(tx, storeId, wanted.get(input.parentId)?.id ?? "");
  const refuse = (message: string) => {
    errors.push({ path: "parentId", message });
    return before;
  };
  if (!parent) return refuse("is no category of this store");
  if (parent.path.includes(before.id)) return refuse("is the category itself or lies below it");
  if (parent.path.length + Math.max(levels, 1) > MAX_LEVELS)
    return refuse(`makes the tree deeper than ${MAX_LEVELS}`);
  return { parentId: parent.id, path: [...parent.path, before.id] };
}

/** Categories by the word that names them, an id or a handle; unknown words are absent. */
export async function findCategories(
  sql: Sql,
  storeId: string,
  words: readonly string[],
): Promise<Map<string, { id: string; handle: string; title: string }>> {
  const rows = words.length === 0 ? [] : await store.selectByWords(sql, storeId, words);
  return new Map([
    ...rows.map(row => [row.handle, row] as const),
    ...rows.map(row => [row.id, row] as const),
  ]);
}

/** Those of these ids that are products of the store, in any status. */
export function presentProducts(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<Set<string>> {
  return store.selectPresent(sql, storeId, productIds);
}
