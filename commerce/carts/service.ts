/**
 * Use cases of carts. A change runs in one transaction: lock the open cart, change it, quote it at current prices,
 * remember the total that the answer shows. Two changes at once follow each other; a checkout that begins meanwhile makes
 * the second one a 409.
 */
import { conflict, notFound } from "../../platform/errors.ts";
import { isId, newId, newSecretId } from "../../platform/ids.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { sellsIn } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import {
  cartFull,
  methodNotOffered,
  noPrice,
  notOpen,
  tooDear,
  tooMany,
  unknownCoupon,
  unknownCurrency,
  unknownShippingMethod,
} from "./errors.ts";
import { type Address, type Cart, type CartChange, limits } from "./model.ts";
import * as store from "./store.ts";

/** @throws Problem 422 for a currency, coupon or shipping method that the store doesn't have. */
export async function createCart(
  sql: Db,
  storeId: string,
  input: CartChange & { currency?: string | undefined; customerId?: string | undefined } = {},
): Promise<Cart> {
  refuseUnknown(input);
  const id = newSecretId("cart");
  return transaction(sql, async tx => {
    const shop = await getStore(tx, storeId);
    if (!shop) throw notFound("store");
    const currency = input.currency ?? shop.currency;
    if (!(await sellsIn(tx, shop, currency))) throw unknownCurrency(currency);
    await store.insertCart(tx, storeId, { id, currency, customerId: input.customerId ?? null });
    await applyChange(tx, storeId, id, input);
    return (await show(tx, storeId, id))!;
  });
}

/** The cart at current prices; what it shows is what a checkout may charge. @throws Problem 404. */
export async function getCart(sql: Db, storeId: string, id: string): Promise<Cart> {
  const cart = isId("cart", id) ? await show(sql, storeId, id) : null;
  if (!cart) throw notFound("cart");
  return cart;
}

/** @throws Problem 404; 409 when the cart is not open; 422 for an unknown coupon or shipping method. */
export function changeCart(sql: Db, storeId: string, id: string, change: CartChange): Promise<Cart> {
  refuseUnknown(change);
  return whileOpen(sql, storeId, id, tx => applyChange(tx, storeId, id, change));
}

/** Adds to the line of the same variant. @throws Problem 404 for an unknown variant; 409; 422 beyond the limits. */
export function addLine(
  sql: Db,
  storeId: string,
  id: string,
  line: { variantId: string; quantity: number },
): Promise<Cart> {
  return whileOpen(sql, storeId, id, async (tx, cart) => {
    const variant = await store.selectSellable(tx, storeId, cart.currency, line.variantId);
    if (!variant) throw notFound("variant");
    if (variant.status !== "active") throw conflict("not_for_sale", "This product is not for sale.");
    if (!variant.priced) throw noPrice(cart.currency);
    const merged = await store.mergeLine(tx, storeId, id, { ...line, id: newId("line") }, limits.quantity);
    if (!merged) throw tooMany();
    if ((await store.countLines(tx, storeId, id)) > limits.lines) throw cartFull();
  });
}

/** @throws Problem 404; 409. */
export function setQuantity(
  sql: Db,
  storeId: string,
  id: string,
  lineId: string,
  quantity: number,
): Promise<Cart> {
  return whileOpen(sql, storeId, id, async tx => {
    const found = isId("line", lineId) && (await store.updateLine(tx, storeId, id, lineId, quantity));
    if (!found) throw notFound("line");
  });
}

/** @throws Problem 404; 409. */
export function removeLine(sql: Db, storeId: string, id: string, lineId: string): Promise<Cart> {
  return whileOpen(sql, storeId, id, async tx => {
    const found = isId("line", lineId) && (await store.deleteLine(tx, storeId, id, lineId));
    if (!found) throw notFound("line");
  });
}

async function whileOpen(
  sql: Db,
  storeId: string,
  id: string,
  change: (tx: Tx, cart: store.CartRow) => Promise<void>,
): Promise<Cart> {
  if (!isId("cart", id)) throw notFound("cart");
  return transaction(sql, async tx => {
    const cart = await store.touchOpen(tx, storeId, id);
    if (!cart) throw notOpen(await store.selectCart(tx, storeId, id));
    await change(tx, cart);
    const shown = (await show(tx, storeId, id))!;
    if (shown.totalMinor > limits.totalMinor && shown.totalMinor > cart.shownTotalMinor) throw tooDear();
    return shown;
  });
}

/**
 * Quotes the cart and remembers what that shows. A shipping method that the cart may not have any more (withdrawn, or the
 * address moved to a country where it is not offered) is taken off.
 */
export async function show(sql: Sql, storeId: string, id: string): Promise<Cart | null> {
  const row = await store.selectCart(sql, storeId, id);
  const quoted = row && (await store.selectQuote(sql, storeId, id));
  if (!quoted) return null;
  const { lines, wantedMethod, shippingMethod, ...totals } = quoted.quote;
  const methodId = shippingMethod?.id ?? null;
  // A total beyond what numbers hold can only come from prices that rose since; no checkout takes it.
  const totalMinor = Math.min(totals.totalMinor, Number.MAX_SAFE_INTEGER);
  if (row.status === "open" && (totalMinor !== row.shownTotalMinor || methodId !== wantedMethod)) {
    await store.setShown(sql, storeId, row, { totalMinor, methodId });
  }
  return {
    id: row.id,
    status: row.status,
    version: row.version,
    currency: row.currency,
    customerId: row.customerId,
    email: row.email,
    shippingAddress: row.shippingAddress,
    shippingMethod: methodId,
    couponCodes: [],
    note: row.note,
    lines: lines.map(({ lineId, ...line }) => ({
      id: lineId,
      ...line,
      available: quoted.available[line.variantId] ?? 0,
    })),
    adjustments: [],
    subtotalMinor: totals.subtotalMinor,
    discountMinor: totals.discountMinor,
    shippingMinor: totals.shippingMinor,
    taxIncluded: totals.taxIncluded,
    taxMinor: totals.taxMinor,
    totalMinor: totals.totalMinor,
    orderId: row.status === "completed" ? row.orderId : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** No store has coupons yet, so each one named is unknown. */
function refuseUnknown(change: CartChange): void {
  if (change.couponCodes && change.couponCodes.length > 0) throw unknownCoupon(0);
}

/** The method last: whether it is offered depends on the address. */
async function applyChange(tx: Tx, storeId: string, id: string, change: CartChange): Promise<void> {
  if (change.email !== undefined) await store.setEmail(tx, storeId, id, change.email?.toWellFormed() ?? null);
  if (change.note !== undefined) await store.setNote(tx, storeId, id, change.note?.toWellFormed() ?? null);
  if (change.shippingAddress !== undefined) {
    await store.setAddress(tx, storeId, id, change.shippingAddress && wellFormed(change.shippingAddress));
  }
  if (change.shippingMethod !== undefined) await chooseMethod(tx, storeId, id, change.shippingMethod);
}

async function chooseMethod(tx: Tx, storeId: string, id: string, methodId: string | null): Promise<void> {
  if (methodId !== null) {
    const known = isId("ship", methodId);
    const offer = known ? await store.selectOffer(tx, storeId, id, methodId) : null;
    if (!offer?.anywhere) throw unknownShippingMethod();
    if (!offer.here) throw methodNotOffered();
  }
  await store.setMethod(tx, storeId, id, methodId);
}

/** Half of a surrogate pair is legal in JSON and illegal in Postgres. */
function wellFormed(address: Address): Address {
  const entries = Object.entries(address).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, value!.toWellFormed()])) as Address;
}
