/**
 * The back office's use cases of products. One writer of whole products per store at a time (the lock that imports take
 * too): handles and SKUs that were free when they were checked are free when they are written.
 *
 * Every write commits the product, its prices, `product.changed` and its entry in the audit log together, or nothing.
 */
import { emit } from "../../bus/index.ts";
import { type FieldError, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { type Author, type Changes, diff, recordAudit } from "../audit/index.ts";
import { forgetPrices } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import { newPrices, placesOf, write } from "./admin.write.ts";
import { findCategories } from "./categories.ts";
import type { Edited, ProductEdit } from "./edit.model.ts";
import { editProduct } from "./edit.ts";
import { freeHandle, handleFault, type ProductState, type ProductStatus } from "./model.ts";
import * as admin from "./store.admin.ts";
import { lockProducts, lockStore, selectSkuOwners } from "./store.ts";

const MAX_ERRORS = 20;

/** @returns the id. @throws Problem 422 with the faults by field. */
export function createProduct(
  sql: Db,
  author: Author,
  edit: ProductEdit & { title: string },
): Promise<string> {
  const id = newId("prod");
  const variants = edit.variants ?? (edit.options?.length ? undefined : [{}]);
  return transaction(sql, async tx => {
    await lockStore(tx, author.storeId);
    const edited = await applyEdit(tx, author.storeId, blank(id), { ...edit, variants });
    const { after, prices, errors } = edited;
    const places = await placesOf(tx, author.storeId, id, edit.images, errors);
    refuse(errors);
    const changes = diff(null, { ...told(after), prices: await newPrices(tx, author.storeId, prices) });
    await write(tx, author.storeId, null, edited, places);
    await finish(tx, author, "create", id, changes);
    return id;
  });
}

/** @throws Problem 404; 412 when `expected` is not its version; 422. */
export function changeProduct(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
  edit: ProductEdit,
): Promise<void> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const edited = await applyEdit(tx, author.storeId, before, edit);
    const shown = await admin.selectMediaPlaces(tx, author.storeId, id);
    const places = await placesOf(tx, author.storeId, id, edit.images, edited.errors);
    refuse(edited.errors);
    const prices = await newPrices(tx, author.storeId, edited.prices);
    await write(tx, author.storeId, before, edited, places);
    const pictures = shown.filter(one => !one.hidden).map(({ assetId, alt }) => ({ assetId, alt }));
    const changes = diff(
      { ...told(before), ...(places && { pictures }) },
      { ...told(edited.after), ...(places && { pictures: places }), ...(prices && { prices }) },
    );
    await finish(tx, author, "update", id, changes);
  });
}

/**
 * A product of which anything was ever sold, or is in a checkout, is archived: orders go on pointing at it. Any other is
 * removed for good. @throws Problem 404; 412.
 */
export function removeProduct(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
): Promise<"archived" | "removed"> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const variantIds = before.variants.map(variant => variant.id);
    const gone = await admin.forgetStock(tx, author.storeId, variantIds);
    if (gone) {
      await admin.deleteProduct(tx, author.storeId, id);
      await forgetPrices(tx, author.storeId, variantIds);
    } else await admin.archiveProduct(tx, author.storeId, id);
    const after = gone ? null : { ...told(before), status: "archived" };
    await finish(tx, author, gone ? "delete" : "archive", id, diff(told(before), after));
    return gone ? "removed" : "archived";
  });
}

export type AdminQuery = {
  status?: ProductStatus | undefined;
  /** Part of a title or vendor, or a whole handle or SKU. */
  q?: string | undefined;
  limit: number;
  cursor?: string | undefined;
};

/** Ids of one page, newest first. @throws Problem 422 for a made-up cursor. */
export async function listProductIds(
  sql: Sql,
  storeId: string,
  { cursor, limit, status, q }: AdminQuery,
): Promise<Page<string>> {
  const before = idCursor("prod", cursor);
  const found = await admin.selectAdminPage(sql, storeId, { status, q, before, limit: limit + 1 });
  return pageOf(found, limit, id => id);
}

/** The base prices of variants in all currencies. */
export function basePrices(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<admin.BasePrice[]> {
  return variantIds.length === 0 ? Promise.resolve([]) : admin.selectBasePrices(sql, storeId, variantIds);
}

function blank(id: string): ProductState {
  return {
    ...{ id, handle: "", title: "", description: "", vendor: "", type: "", status: "draft" },
    ...{ tags: [], categories: [], optionNames: [], variants: [], images: [] },
  };
}

async function locked(tx: Tx, storeId: string, id: string, expected: number | "any"): Promise<ProductState> {
  await lockStore(tx, storeId);
  const found = isId("prod", id) ? await admin.lockProduct(tx, storeId, id) : null;
  if (!found) throw notFound("product");
  if (expected !== "any" && found.version !== expected) throw stale(found.version);
  return (await lockProducts(tx, storeId, [found.handle]))[0]!;
}

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw invalid(errors.slice(0, MAX_ERRORS));
}

async function applyEdit(tx: Tx, storeId: string, before: ProductState, edit: ProductEdit): Promise<Edited> {
  const skus = edit.variants?.flatMap(variant => (variant.sku ? clean(variant.sku) : [])) ?? [];
  const [categories, owners, store] = await Promise.all([
    findCategories(tx, storeId, edit.categories ?? []),
    selectSkuOwners(tx, storeId, skus),
    getStore(tx, storeId),
  ]);
  const skuOwners = new Map(owners.map(row => [row.sku, row.productId]));
  const edited = editProduct(before, edit, { categories, skuOwners, currency: store!.currency });
  edited.after.handle = await handleFor(tx, storeId, before, edit, edited);
  return edited;
}

async function handleFor(
  tx: Tx,
  storeId: string,
  before: ProductState,
  edit: ProductEdit,
  { after, errors }: Edited,
): Promise<string> {
  const taken = (base: string) => admin.selectProductHandles(tx, storeId, base);
  if (edit.handle === undefined) return before.handle || freeHandle(after.title, "product", taken);
  const handle = clean(edit.handle);
  // A handle that came with an import may stay as it is.
  if (handle === before.handle) return handle;
  const fault = handleFault(handle);
  if (fault) errors.push({ path: "handle", message: fault });
  else if ((await taken(handle)).includes(handle)) {
    errors.push({ path: "handle", message: "is used by another product" });
  }
  return handle;
}

/** What the log tells of a product. */
function told({ id: _, ...product }: ProductState) {
  return product;
}

async function finish(tx: Tx, author: Author, action: string, id: string, changes: Changes): Promise<void> {
  await recordAudit(tx, { ...author, action, entity: "product", entityId: id, changes });
  await emit(tx, author, { type: "product.changed", productId: id });
}
