/** The SQL that changes products. Reading for shops is in store.read.ts. */

import { newId } from "../../platform/ids.ts";
import type { Tx } from "../../platform/postgres/index.ts";
import type { Category, ProductState } from "./model.ts";
import type { Plan } from "./plan.ts";

/** One writer of whole products per store at a time, to the end of the transaction: handles and SKUs are then stable. */
export async function lockStore(tx: Tx, storeId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`catalog:${storeId}`}, 0))`;
}

/**
 * Plans the statements of this transaction for the tables as they are now. A plan that was cached when a first import
 * began with empty tables would go on reading them whole: 30,000 rows took 25 s instead of 11.
 */
export async function planFreshly(tx: Tx, yes: boolean): Promise<void> {
  await tx`SELECT set_config('plan_cache_mode', ${yes ? "force_custom_plan" : "auto"}, true)`;
}

/** The products with these handles, locked in the order of their ids. */
export async function lockProducts(tx: Tx, storeId: string, handles: string[]): Promise<ProductState[]> {
  const locked = await tx<{ id: string }[]>`
    SELECT id FROM catalog.product WHERE store_id = ${storeId} AND handle = ANY(${handles})
    ORDER BY id FOR UPDATE`;
  if (locked.length === 0) return [];
  return tx<ProductState[]>`
    SELECT p.id, p.handle, p.title, p.description, p.vendor, p.type, p.status, p.tags,
      ARRAY(SELECT c.handle FROM catalog.product_category pc
            JOIN catalog.category c ON c.store_id = pc.store_id AND c.id = pc.category_id
            WHERE pc.store_id = p.store_id AND pc.product_id = p.id
            ORDER BY c.handle COLLATE "C") AS categories,
      ARRAY(SELECT o.name FROM catalog.option o
            WHERE o.store_id = p.store_id AND o.product_id = p.id ORDER BY o.position) AS "optionNames",
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', v.id, 'position', v.position, 'title', v.title,
                  'sku', v.sku, 'barcode', v.barcode, 'optionValues', v.option_values, 'grams', v.grams,
                  'requiresShipping', v.requires_shipping, 'taxable', v.taxable) ORDER BY v.position, v.id)
                FROM catalog.variant v WHERE v.store_id = p.store_id AND v.product_id = p.id), '[]') AS variants,
      coalesce((SELECT jsonb_agg(jsonb_build_object('src', i.src, 'alt', i.alt) ORDER BY i.position)
                FROM catalog.product_image i
                WHERE i.store_id = p.store_id AND i.product_id = p.id), '[]') AS images
    FROM catalog.product p
    WHERE p.store_id = ${storeId} AND p.id = ANY(${locked.map(row => row.id)})`;
}

export async function selectSkuOwners(
  tx: Tx,
  storeId: string,
  skus: string[],
): Promise<{ sku: string; productId: string }[]> {
  if (skus.length === 0) return [];
  return tx<{ sku: string; productId: string }[]>`
    SELECT sku, product_id AS "productId" FROM catalog.variant
    WHERE store_id = ${storeId} AND sku = ANY(${skus})`;
}

/** Creates what is missing and returns the id of each handle. */
export async function ensureCategories(
  tx: Tx,
  storeId: string,
  categories: readonly Category[],
): Promise<Map<string, string>> {
  if (categories.length === 0) return new Map();
  const rows = categories.map(category => ({ id: newId("cat"), ...category }));
  await tx`
    INSERT INTO catalog.category (store_id, id, handle, title, path)
    SELECT ${storeId}, n.id, n.handle, n.title, ARRAY[n.id]
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (id text, handle text, title text)
    ORDER BY n.handle
    ON CONFLICT (store_id, handle) DO NOTHING`;
  const found = await tx<{ id: string; handle: string }[]>`
    SELECT id, handle FROM catalog.category
    WHERE store_id = ${storeId} AND handle = ANY(${categories.map(category => category.handle)})`;
  return new Map(found.map(row => [row.handle, row.id]));
}

/** Writes plans: a fixed number of statements, however many products. Unchanged parts are left alone. */
export async function writePlans(
  tx: Tx,
  storeId: string,
  plans: readonly Plan[],
  categoryIds: ReadonlyMap<string, string>,
): Promise<void> {
  const created = plans.filter(plan => plan.change === "created").map(plan => plan.after);
  const updated = plans.filter(plan => plan.change === "updated").map(plan => plan.after);
  if (created.length > 0) await insertProducts(tx, storeId, created);
  if (updated.length > 0) await updateProducts(tx, storeId, updated);
  await replaceOptions(tx, storeId, differing(plans, "optionNames"));
  await replaceImages(tx, storeId, differing(plans, "images"));
  await replaceCategories(tx, storeId, differing(plans, "categories"), categoryIds);
  await writeVariants(tx, storeId, differing(plans, "variants"));
}

function differing(plans: readonly Plan[], part: keyof ProductState): Plan[] {
  return plans.filter(plan => !Bun.deepEquals(plan.before?.[part], plan.after[part]));
}

async function insertProducts(tx: Tx, storeId: string, products: ProductState[]): Promise<void> {
  await tx`
    INSERT INTO catalog.product (store_id, id, handle, title, description, vendor, type, status, tags)
    SELECT ${storeId}, n.id, n.handle, n.title, n.description, n.vendor, n.type, n.status, n.tags
    FROM jsonb_to_recordset(${tx.json(products.map(scalars))}) AS n (id text, handle text, title text,
      description text, vendor text, type text, status text, tags text[])`;
}

/** Also when only a part of the product changed: its version is that of the whole. */
async function updateProducts(tx: Tx, storeId: string, products: ProductState[]): Promise<void> {
  await tx`
    UPDATE catalog.product p
    SET handle = n.handle, title = n.title, description = n.description, vendor = n.vendor, type = n.type,
        status = n.status, tags = n.tags, version = p.version + 1, updated_at = now()
    FROM jsonb_to_recordset(${tx.json(products.map(scalars))}) AS n (id text, handle text, title text,
      description text, vendor text, type text, status text, tags text[])
    WHERE p.store_id = ${storeId} AND p.id = n.id`;
}

function scalars({ variants: _v, images: _i, categories: _c, optionNames: _o, ...rest }: ProductState) {
  return rest;
}

const idsOf = (plans: readonly Plan[]) => plans.map(plan => plan.after.id);

async function replaceOptions(tx: Tx, storeId: string, plans: readonly Plan[]): Promise<void> {
  if (plans.length === 0) return;
  await tx`DELETE FROM catalog.option WHERE store_id = ${storeId} AND product_id = ANY(${idsOf(plans)})`;
  const rows = plans.flatMap(({ after }) =>
    after.optionNames.map((name, index) => ({ product: after.id, position: index + 1, name })),
  );
  await tx`
    INSERT INTO catalog.option (store_id, product_id, position, name)
    SELECT ${storeId}, n.product, n.position, n.name
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (product text, position smallint, name text)`;
}

async function replaceImages(tx: Tx, storeId: string, plans: readonly Plan[]): Promise<void> {
  if (plans.length === 0) return;
  await tx`DELETE FROM catalog.product_image WHERE store_id = ${storeId} AND product_id = ANY(${idsOf(plans)})`;
  const rows = plans.flatMap(({ after }) =>
    after.images.map((image, index) => ({ product: after.id, position: index + 1, ...image })),
  );
  await tx`
    INSERT INTO catalog.product_image (store_id, product_id, position, src, alt)
    SELECT ${storeId}, n.product, n.position, n.src, n.alt
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (product text, position integer, src text, alt text)`;
}

async function replaceCategories(
  tx: Tx,
  storeId: string,
  plans: readonly Plan[],
  categoryIds: ReadonlyMap<string, string>,
): Promise<void> {
  if (plans.length === 0) return;
  await tx`
    DELETE FROM catalog.product_category WHERE store_id = ${storeId} AND product_id = ANY(${idsOf(plans)})`;
  const rows = plans.flatMap(({ after }) =>
    after.categories.map(handle => ({ product: after.id, category: categoryIds.get(handle)! })),
  );
  await tx`
    INSERT INTO catalog.product_category (store_id, product_id, category_id)
    SELECT ${storeId}, n.product, n.category
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (product text, category text)`;
}

async function writeVariants(tx: Tx, storeId: string, plans: readonly Plan[]): Promise<void> {
  const before = new Map(plans.flatMap(plan => (plan.before?.variants ?? []).map(v => [v.id, v] as const)));
  const rows = plans.flatMap(({ after }) => after.variants.map(v => ({ ...v, productId: after.id })));
  const fresh = rows.filter(row => !before.has(row.id));
  const changed = rows.filter(({ productId: _, ...row }) => {
    const old = before.get(row.id);
    return old !== undefined && !Bun.deepEquals(old, row);
  });
  // Changes first: they may free the option values or the SKU that a new variant takes.
  if (changed.length > 0) await updateVariants(tx, storeId, changed);
  if (fresh.length > 0) await insertVariants(tx, storeId, fresh);
}

type VariantRow = ProductState["variants"][number] & { productId: string };

async function insertVariants(tx: Tx, storeId: string, rows: VariantRow[]): Promise<void> {
  await tx`
    INSERT INTO catalog.variant (store_id, id, product_id, position, title, sku, barcode, option_values, grams,
                                 requires_shipping, taxable)
    SELECT ${storeId}, n.id, n."productId", n.position, n.title, n.sku, n.barcode, n."optionValues", n.grams,
           n."requiresShipping", n.taxable
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (id text, "productId" text, position integer, title text,
      sku text, barcode text, "optionValues" text[], grams integer, "requiresShipping" boolean, taxable boolean)`;
}

async function updateVariants(tx: Tx, storeId: string, rows: VariantRow[]): Promise<void> {
  await tx`
    UPDATE catalog.variant v
    SET position = n.position, title = n.title, sku = n.sku, barcode = n.barcode,
        option_values = n."optionValues", grams = n.grams, requires_shipping = n."requiresShipping",
        taxable = n.taxable, version = v.version + 1, updated_at = now()
    FROM jsonb_to_recordset(${tx.json(rows)}) AS n (id text, position integer, title text, sku text,
      barcode text, "optionValues" text[], grams integer, "requiresShipping" boolean, taxable boolean)
    WHERE v.store_id = ${storeId} AND v.id = n.id`;
}
