/** A shop to buy in, written past the modules' doors: thousands of carts in seconds, as if their buyers had filled them. */
import { upsertProducts } from "../commerce/catalog/index.ts";
import { setPrices } from "../commerce/pricing/index.ts";
import { createKey, createStore } from "../commerce/stores/index.ts";
import { newId, newSecretId } from "../platform/ids.ts";
import { type Db, retried, transaction } from "../platform/postgres/index.ts";
import { requestText } from "./load/connection.ts";

export type Sku = { variantId: string; productId: string; priceMinor: number };
export type BenchShop = { storeId: string; key: string; secretKey: string; skus: readonly Sku[] };

const CHUNK = 500;
const IN_STOCK = 100_000_000;

/** `announce`: lists and search hear of the products; otherwise the jobs that would tell them are dropped. */
export async function openBenchShop(
  sql: Db,
  options: { skus: number; onHand?: number; announce?: boolean },
): Promise<BenchShop> {
  const store = await createStore(sql, { name: "Bench", currency: "EUR" });
  const { key } = await createKey(sql, { kind: "publishable", storeId: store.id, name: "bench" });
  const secret = await createKey(sql, { kind: "secret", storeId: store.id, name: "bench" });
  const skus: Sku[] = [];
  for (let from = 0; from < options.skus; from += CHUNK) {
    const count = Math.min(CHUNK, options.skus - from);
    skus.push(...(await addProducts(sql, store.id, from, count, options.onHand ?? IN_STOCK)));
  }
  if (!options.announce) await sql`DELETE FROM bus.outbox`;
  // The partitions of a new cluster are being made beside it.
  await retried(() => sql`ANALYZE`);
  return { storeId: store.id, key, secretKey: secret.key, skus };
}

function addProducts(sql: Db, storeId: string, from: number, count: number, onHand: number): Promise<Sku[]> {
  return transaction(sql, async tx => {
    const inputs = Array.from({ length: count }, (_, i) => ({
      ref: from + i,
      handle: `product-${from + i}`,
      title: `Product ${from + i}`,
      status: "active" as const,
      variants: [{ ref: from + i, optionValues: [], sku: `SKU-${from + i}` }],
    }));
    const { variants } = await upsertProducts(tx, storeId, inputs);
    const priced = variants.map(one => ({ ...one, amountMinor: 100 + one.ref, compareAtMinor: null }));
    await setPrices(tx, storeId, "EUR", priced);
    const rows = variants.map(one => ({ ...one, onHand }));
    await tx`SELECT inventory.set_initial(${storeId}, ${tx.json(rows as never)}, 'new', 'bench')`;
    return priced.map(({ variantId, productId, amountMinor }) => ({
      variantId,
      productId,
      priceMinor: amountMinor,
    }));
  });
}

/** Carts of one unit of each SKU that `pick` names; returns their ids. */
export async function fillCarts(
  sql: Db,
  shop: BenchShop,
  count: number,
  pick: (cart: number) => readonly Sku[],
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += 2_000) {
    const carts = Array.from({ length: Math.min(2_000, count - from) }, (_, i) => ({
      id: newSecretId("cart"),
      skus: pick(from + i),
    }));
    await insertCarts(sql, shop.storeId, carts);
    ids.push(...carts.map(cart => cart.id));
  }
  await sql`VACUUM ANALYZE carts.cart, carts.line`;
  return ids;
}

async function insertCarts(
  sql: Db,
  storeId: string,
  carts: readonly { id: string; skus: readonly Sku[] }[],
): Promise<void> {
  const rows = carts.map(cart => ({
    id: cart.id,
    total: cart.skus.reduce((sum, sku) => sum + sku.priceMinor, 0),
  }));
  const lines = carts.flatMap(cart =>
    cart.skus.map(sku => ({ id: newId("line"), cart: cart.id, variant: sku.variantId })),
  );
  await sql`
    WITH carts AS (
      INSERT INTO carts.cart (store_id, id, currency, email, shown_total_minor)
      SELECT ${storeId}, c.id, 'EUR', 'bench@example.com', c.total
      FROM jsonb_to_recordset(${sql.json(rows)}) AS c(id text, total bigint)
      RETURNING 1
    )
    SELECT count(*) FROM carts`;
  await sql`
    INSERT INTO carts.line (store_id, cart_id, id, variant_id, quantity)
    SELECT ${storeId}, l.cart, l.id, l.variant, 1
    FROM jsonb_to_recordset(${sql.json(lines)}) AS l(id text, cart text, variant text)`;
}

/** The bytes of a checkout of this cart, its id also the idempotency key. */
export function checkoutRequest(shop: BenchShop, cartId: string): string {
  return requestText({
    method: "POST",
    path: `/store/carts/${cartId}/checkout`,
    headers: { "x-publishable-key": shop.key, "idempotency-key": cartId },
    json: { payment: { provider: "test", token: "ok" } },
  });
}
