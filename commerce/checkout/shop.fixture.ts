/** A shop for tests: a store with variants in stock, carts and checkouts, on a database of its own. */
import { silentLog } from "../../platform/log.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { freshDatabase } from "../../platform/testing/index.ts";
import { newTraceparent } from "../../platform/trace.ts";
import { addLine, type Cart, changeCart, createCart } from "../carts/index.ts";
import { upsertProducts } from "../catalog/index.ts";
import { testProvider } from "../payments/index.ts";
import { setPrices } from "../pricing/index.ts";
import { createStore } from "../stores/index.ts";
import { newNonce, type Queued } from "./flash/model.ts";
import { type CheckoutAnswer, type CheckoutDeps, checkout, payAllocated, prepareBatch } from "./index.ts";
import { fingerprintOf } from "./model.ts";

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** Variants with the given stock, each of a product of its own, at 10.00 EUR, 20.00 EUR … */
export async function openShop(stock: readonly number[] = [10]) {
  const db = await freshDatabase();
  const { sql } = db;
  const store = await createStore(sql, { name: "Test", currency: "EUR" });
  const variants = await transaction(sql, async tx => {
    const { variants } = await upsertProducts(
      tx,
      store.id,
      stock.map((_, i) => ({
        ref: i,
        handle: `product-${i}`,
        title: `Product ${i}`,
        status: "active" as const,
        variants: [{ ref: i, optionValues: [], sku: `SKU-${i}` }],
      })),
    );
    const ordered = variants.toSorted((a, b) => a.ref - b.ref);
    const prices = ordered.map((one, i) => ({ ...one, amountMinor: (i + 1) * 1_000, compareAtMinor: null }));
    await setPrices(tx, store.id, "EUR", prices);
    const rows = ordered.map((one, i) => ({ ...one, onHand: stock[i]! }));
    await tx`SELECT inventory.set_initial(${store.id}, ${tx.json(rows as never)}, 'new', 'fixture')`;
    return ordered;
  });
  await sql`DELETE FROM bus.outbox`;
  const deps: CheckoutDeps = {
    sql,
    log: silentLog,
    providers: { test: testProvider(sql, { silenceMs: 20 }) },
    holdMs: 60_000,
  };
  return {
    ...db,
    store,
    deps,
    variants: variants.map(one => one.variantId),
    products: variants.map(one => one.productId),
  };
}

export type Wanted = readonly (readonly [variant: number, quantity: number])[];

export async function fillCart(shop: Shop, wanted: Wanted, email = "buyer@example.com"): Promise<Cart> {
  let cart = await createCart(shop.sql, shop.store.id);
  cart = await changeCart(shop.sql, shop.store.id, cart.id, { email });
  for (const [variant, quantity] of wanted) {
    cart = await addLine(shop.sql, shop.store.id, cart.id, { variantId: shop.variants[variant]!, quantity });
  }
  return cart;
}

export type Try = { key?: string; token?: string; deps?: Partial<CheckoutDeps> };

export function buy(shop: Shop, cartId: string, { key, token, deps }: Try = {}): Promise<CheckoutAnswer> {
  return checkout(
    { ...shop.deps, ...deps },
    {
      storeId: shop.store.id,
      cartId,
      key: key ?? crypto.randomUUID(),
      payment: { provider: "test", token: token ?? "ok" },
      traceparent: newTraceparent(),
    },
  );
}

/** What the lane carries of a checkout that queued in flash mode. */
export function queued(shop: Shop, cartId: string): Queued {
  const payment = { provider: "test", token: "ok" };
  const request = { storeId: shop.store.id, cartId, key: cartId, payment, traceparent: newTraceparent() };
  return { ...request, fingerprint: fingerprintOf(request), atMs: Date.now(), nonce: newNonce() };
}

/** What an allocator does with the one at this place of its lane; `again`: it was delivered before. */
export function allocate(shop: Shop, one: Queued, seq: number, again: boolean): Promise<void> {
  const deps = { session: shop.sql, log: silentLog, holdMs: 60_000 };
  return prepareBatch(deps, 0, [{ seq, again, data: JSON.stringify(one) }])();
}

/** What the jobs `checkout.pay` in the outbox do, without removing them. */
export async function payQueued(shop: Shop): Promise<void> {
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'`;
  for (const id of rows.flatMap(({ payload }) => payload.orderIds as string[]))
    await payAllocated(shop.deps, shop.store.id, id);
}

/** The code of the problem that a promise is refused with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no problem",
    error => error.code ?? String(error),
  );
}

export async function levelOf(shop: Shop, variant = 0): Promise<{ onHand: number; reserved: number }> {
  const [row] = await shop.sql<{ onHand: number; reserved: number }[]>`
    SELECT on_hand AS "onHand", reserved FROM inventory.level WHERE variant_id = ${shop.variants[variant]!}`;
  return { ...row! };
}

/** How many rows there are of each status. */
export async function statuses(shop: Shop): Promise<Record<string, string[]>> {
  const [row] = await shop.sql`
    SELECT (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM orders.order) AS orders,
           (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM inventory.reservation) AS reservations,
           (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM payments.intent) AS intents,
           (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM payments.test_charge) AS charges,
           (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM checkout.attempt) AS attempts,
           (SELECT coalesce(array_agg(status ORDER BY status), '{}') FROM carts.cart) AS carts`;
  return { ...row! };
}

/** Kinds of the jobs in the outbox, sorted. */
export async function jobs(shop: Shop): Promise<string[]> {
  const rows = await shop.sql<{ kind: string }[]>`SELECT kind FROM bus.outbox ORDER BY kind`;
  return rows.map(row => row.kind);
}

/** Lets the leases of all attempts run out. */
export async function expireLeases(shop: Shop): Promise<void> {
  await shop.sql`UPDATE checkout.attempt SET lease_until = now() - interval '1 second' WHERE status = 'in_progress'`;
}

/** Lets the expiry of all held reservations pass. */
export async function expireReservations(shop: Shop): Promise<void> {
  await shop.sql`
    UPDATE inventory.reservation SET expires_at = now() - interval '1 second'
    WHERE status = 'held' AND expires_at < 'infinity'`;
}
