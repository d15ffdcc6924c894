/** The SQL of what the indexer keeps: documents with their versions, and what is known of each index. */
import type { Sql } from "../platform/postgres/index.ts";
import { type SearchDocument, SHAPE, textPart } from "./document.ts";
import type { Change } from "./engine.ts";
import { fold, spaced } from "./fold.ts";

const GONE = "gone";
/** Of no content: the stock was written into the document, and who composes it next writes it whole. */
export const RESTOCKED = "restocked";

/** What a product's document is now; null: shops don't show it. */
export type Content = {
  readonly productId: string;
  readonly document: SearchDocument | null;
  /** The document's JSON, written once for all who want it. */
  readonly json: string | null;
};
type Hashed = Content & { readonly contentHash: string; readonly textHash: string };

/** Of documents that this program has just made: their fields are always in the same order. */
const contentHashOf = ({ json }: Content): string => (json === null ? GONE : hash(json));
const textHashOf = ({ document }: Content): string =>
  document ? hash(JSON.stringify(textPart(document))) : GONE;
/** Of the shape too: what was written in another one is written again. */
const hash = (text: string) =>
  new Bun.CryptoHasher("sha256").update(`${SHAPE} `).update(text).digest("base64url");
/** What is written for a product: its content and the columns that the fallback searches. */
function projected({ productId, document, contentHash, textHash }: Hashed) {
  const row = { product_id: productId, content_hash: contentHash, text_hash: textHash, document };
  if (!document) return row;
  const { vendor, type, categories, collections, tags, optionValues } = document;
  const names = [vendor, type, ...categories, ...collections, ...tags, ...optionValues].join(" ");
  return {
    ...row,
    ...volatileColumns(document),
    title: document.title,
    vendor: document.vendor,
    category: document.category,
    category_ids: document.categoryIds,
    tags: document.tags,
    codes: [...document.skus, ...document.barcodes].map(code => code.toLowerCase()),
    created_at: new Date(document.createdAt),
    folded_title: spaced(fold(document.title)),
    folded_names: spaced(fold(names)),
    folded_description: spaced(fold(document.description)),
  };
}

const volatileColumns = ({ price, inStock, popularity }: SearchDocument) => ({
  price,
  in_stock: inStock,
  popularity,
});

type Known = { productId: string; version: number; contentHash: string; textHash: string };

export type Versions = {
  readonly versions: Map<string, number>;
  /** The products that were written. */
  readonly written: ReadonlySet<string>;
};

/**
 * Writes the content of products where it differs, which raises their version, and returns the versions as they are then.
 * A removal leaves a tombstone, and nothing where the product was never known. The caller holds the lock of the index.
 */
export async function writeDocuments(
  sql: Sql,
  storeId: string,
  contents: readonly Content[],
): Promise<Versions> {
  const ids = contents.map(one => one.productId);
  const rows = await sql<Known[]>`
    SELECT product_id AS "productId", version, content_hash AS "contentHash", text_hash AS "textHash"
    FROM search.document WHERE store_id = ${storeId} AND product_id = ANY(${ids})`;
  const known = new Map(rows.map(row => [row.productId, row]));
  const differing = contents.flatMap((one): Hashed[] => {
    const row = known.get(one.productId);
    const contentHash = contentHashOf(one);
    const differs = row ? row.contentHash !== contentHash : one.document !== null;
    return differs ? [{ ...one, contentHash, textHash: textHashOf(one) }] : [];
  });
  const isSameText = (one: Hashed) =>
    one.document !== null && known.get(one.productId)?.textHash === one.textHash;
  const written = [
    ...(await upsertWhole(
      sql,
      storeId,
      differing.filter(one => !isSameText(one)),
    )),
    ...(await updateVolatile(sql, storeId, differing.filter(isSameText))),
  ];
  const versions = new Map(rows.map(row => [row.productId, row.version]));
  for (const { productId, version } of written) versions.set(productId, version);
  return { versions, written: new Set(written.map(one => one.productId)) };
}

type Written = { productId: string; version: number };

async function upsertWhole(sql: Sql, storeId: string, some: readonly Hashed[]): Promise<Written[]> {
  if (some.length === 0) return [];
  return sql<Written[]>`
    INSERT INTO search.document AS d (store_id, product_id, deleted, content_hash, text_hash, text_version, document, title,
      vendor, category, category_ids, tags, codes, price, in_stock, popularity, created_at, names, words)
    SELECT ${storeId}, r.product_id, r.document IS NULL, r.content_hash, r.text_hash, 1, r.document, coalesce(r.title, ''),
      coalesce(r.vendor, ''), coalesce(r.category, '{}'), coalesce(r.category_ids, '{}'), coalesce(r.tags, '{}'),
      coalesce(r.codes, '{}'), r.price, coalesce(r.in_stock, false), coalesce(r.popularity, 0),
      coalesce(r.created_at, now()), coalesce(r.folded_title || ' ' || r.folded_names, ''),
      setweight(to_tsvector('english', coalesce(r.folded_title, '')), 'A')
        || setweight(to_tsvector('english', coalesce(r.folded_names, '')), 'B')
        || setweight(to_tsvector('english', coalesce(r.folded_description, '')), 'D')
    FROM jsonb_to_recordset(${sql.json(some.map(projected) as never)}) AS r (
      product_id text, content_hash text, text_hash text, document jsonb, title text, vendor text, category text[],
      category_ids text[], tags text[], codes text[], price bigint, in_stock boolean, popularity integer,
      created_at timestamptz, folded_title text, folded_names text, folded_description text)
    ON CONFLICT (store_id, product_id) DO UPDATE SET
      version = d.version + 1, deleted = EXCLUDED.deleted, content_hash = EXCLUDED.content_hash,
      text_hash = EXCLUDED.text_hash, text_version = d.version + 1,
      document = EXCLUDED.document, title = EXCLUDED.title, vendor = EXCLUDED.vendor, category = EXCLUDED.category,
      category_ids = EXCLUDED.category_ids, tags = EXCLUDED.tags, codes = EXCLUDED.codes, price = EXCLUDED.price,
      in_stock = EXCLUDED.in_stock, popularity = EXCLUDED.popularity, created_at = EXCLUDED.created_at,
      names = EXCLUDED.names, words = EXCLUDED.words, updated_at = now()
    RETURNING product_id AS "productId", version`;
}

/** Where nothing differs but price, stock and popularity, the words need not be taken apart again. */
async function updateVolatile(sql: Sql, storeId: string, some: readonly Hashed[]): Promise<Written[]> {
  if (some.length === 0) return [];
  const rows = some.map(({ productId, document, contentHash }) => ({
    product_id: productId,
    content_hash: contentHash,
    document,
    ...volatileColumns(document!),
  }));
  return sql<Written[]>`
    UPDATE search.document d SET version = d.version + 1, content_hash = r.content_hash, document = r.document,
      price = r.price, in_stock = r.in_stock, popularity = r.popularity, updated_at = now()
    FROM jsonb_to_recordset(${sql.json(rows as never)}) AS r (
      product_id text, content_hash text, document jsonb, price bigint, in_stock boolean, popularity integer)
    WHERE d.store_id = ${storeId} AND d.product_id = r.product_id
    RETURNING d.product_id AS "productId", d.version`;
}

/**
 * Writes the stock of these products' variants into their documents where it differs; as `searchDocument` has it. The hash
 * is of no content, so that the next full indexing writes its own.
 */
export async function writeStock(sql: Sql, storeId: string, productIds: readonly string[]): Promise<void> {
  await sql`
    WITH shown AS MATERIALIZED (
      SELECT d.product_id, v.one, v.n
      FROM search.document d
      CROSS JOIN LATERAL jsonb_array_elements(d.document #> '{item,variants}') WITH ORDINALITY AS v(one, n)
      WHERE d.store_id = ${storeId} AND d.product_id = ANY(${productIds as string[]}) AND NOT d.deleted
    ), stock AS MATERIALIZED (
      SELECT a.* FROM inventory.available(${storeId}, ARRAY(SELECT h.one ->> 'id' FROM shown h)) a
    ), fresh AS (
      SELECT h.product_id, bool_or(a.available > 0 OR a.backorder) AS in_stock,
             jsonb_build_object('available', sum(a.available), 'inStock', bool_or(a.available > 0 OR a.backorder), 'variants',
               jsonb_agg(h.one || jsonb_build_object('available', a.available, 'backorder', a.backorder) ORDER BY h.n)) AS item
      FROM shown h JOIN stock a ON a.variant_id = h.one ->> 'id'
      GROUP BY h.product_id
    )
    UPDATE search.document d
    SET version = d.version + 1, in_stock = f.in_stock, content_hash = ${RESTOCKED}, updated_at = now(),
        document = d.document || jsonb_build_object('inStock', f.in_stock, 'available', f.item -> 'available', 'item', (d.document -> 'item') || f.item)
    FROM fresh f
    WHERE d.store_id = ${storeId} AND d.product_id = f.product_id
      AND d.document #> '{item,variants}' <> f.item -> 'variants'`;
}

/**
 * What the engine's queue doesn't hold yet; of `doubtful` products also what it is believed to hold, and whole. A change
 * is partial where the queue holds this text of the product already.
 */
export async function selectDue(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
  doubtful: readonly string[],
): Promise<Change[]> {
  return sql<Change[]>`
    SELECT product_id AS "productId", version, document,
           enqueued_version >= text_version AND enqueued_version > 0 AND NOT product_id = ANY(${doubtful as string[]}) AS partial
    FROM search.document
    WHERE store_id = ${storeId} AND product_id = ANY(${productIds as string[]})
      AND (version > enqueued_version OR product_id = ANY(${doubtful as string[]}))
    ORDER BY product_id`;
}

export type Sent = { productId: string; version: number; task: number };

export async function recordEnqueued(sql: Sql, storeId: string, sent: readonly Sent[]): Promise<void> {
  await sql`
    UPDATE search.document d SET enqueued_version = s.version, task = s.task
    FROM jsonb_to_recordset(${sql.json(sent.map(one => ({ ...one })))}) AS s ("productId" text, version bigint, task bigint)
    WHERE d.store_id = ${storeId} AND d.product_id = s."productId"`;
}

export type Unconfirmed = { task: number; productIds: string[] };

/** The engine's tasks that hold something of these products and are not known to have succeeded. */
export async function selectUnconfirmed(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<Unconfirmed[]> {
  return sql<Unconfirmed[]>`
    SELECT task, array_agg(product_id) AS "productIds"
    FROM search.document
    WHERE store_id = ${storeId} AND product_id = ANY(${productIds as string[]}) AND task IS NOT NULL
    GROUP BY task ORDER BY task`;
}

/** The task succeeded. Products that were sent again since then keep their newer task. */
export async function recordConfirmed(sql: Sql, storeId: string, one: Unconfirmed): Promise<void> {
  await sql`
    UPDATE search.document SET confirmed_version = enqueued_version, task = NULL
    WHERE store_id = ${storeId} AND product_id = ANY(${one.productIds}) AND task = ${one.task}`;
}

/** The task came to nothing: what it held counts as never sent. */
export async function recordLost(sql: Sql, storeId: string, one: Unconfirmed): Promise<void> {
  await sql`
    UPDATE search.document SET enqueued_version = confirmed_version, task = NULL
    WHERE store_id = ${storeId} AND product_id = ANY(${one.productIds}) AND task = ${one.task}`;
}

export type KnownIndex = { identity: string | null; settingsHash: string; settingsTask: number | null };

export async function selectIndex(sql: Sql, storeId: string): Promise<KnownIndex | null> {
  const [row] = await sql<KnownIndex[]>`
    SELECT identity, settings_hash AS "settingsHash", settings_task AS "settingsTask"
    FROM search.index WHERE store_id = ${storeId}`;
  return row ?? null;
}

/** The shape of the documents that the index was filled with; null where the store has none in the engine. */
export async function selectShape(sql: Sql, storeId: string): Promise<number | null> {
  const [row] = await sql<{ shape: number }[]>`SELECT shape FROM search.index WHERE store_id = ${storeId}`;
  return row?.shape ?? null;
}

/** `shape`: that of the documents it was filled with, where that is another one now. */
export async function saveIndex(sql: Sql, storeId: string, index: KnownIndex, shape?: number): Promise<void> {
  await sql`
    INSERT INTO search.index AS i (store_id, identity, settings_hash, settings_task, shape)
    VALUES (${storeId}, ${index.identity}, ${index.settingsHash}, ${index.settingsTask}, ${shape ?? SHAPE})
    ON CONFLICT (store_id) DO UPDATE SET identity = EXCLUDED.identity, settings_hash = EXCLUDED.settings_hash,
      settings_task = EXCLUDED.settings_task, shape = coalesce(${shape ?? null}::integer, i.shape), updated_at = now()`;
}

/** The engine holds nothing of this store any more. Returns the products that it should hold. */
export async function forgetSent(sql: Sql, storeId: string): Promise<string[]> {
  const rows = await sql<{ productId: string; deleted: boolean }[]>`
    UPDATE search.document SET enqueued_version = 0, confirmed_version = 0, task = NULL
    WHERE store_id = ${storeId} RETURNING product_id AS "productId", deleted`;
  return rows.filter(row => !row.deleted).map(row => row.productId);
}
