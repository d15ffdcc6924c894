/**
 * Carts: what a buyer means to buy. Owns `carts.cart` and `carts.line`. Publishes `carts.quotes` (what carts
 * cost now, lines and totals: the only place where totals are computed), `carts.lock`, `begin_checkout`, `reopen` and
 * `complete` for checkout's transactions, and `carts.orders_of` (what a customer's carts have become).
 *
 * Always holds: a cart changes only while it is open, under its row's lock, and `version` rises with each change; a
 * variant stands in at most one line; quantities are 1 to 9,999 and lines at most 100. Prices are always current; the
 * total that was shown last is kept, so that checkout can refuse one the buyer has not seen. A cart's id is a secret:
 * who has it may change the cart, also when it is a customer's (decision 20).
 */

export { abandonCarts } from "./abandon.ts";
export { adoptCart } from "./adopt.ts";
export { eraseCarts, ordersOfCustomer } from "./erase.ts";
export { type Address, type Cart, type CartChange, type CartLine, limits } from "./model.ts";
export { addLine, changeCart, createCart, getCart, removeLine, setQuantity } from "./service.ts";
