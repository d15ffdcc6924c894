/**
 * How what was bought gets to its buyer, and what that costs. Owns `shipping.method`. Publishes `shipping.offer(store,
 * method, currency, country)`, by which `carts.quotes` knows whether a cart may have a method, and its price.
 *
 * Always holds: a method has one currency and serves carts in it; it is free once the goods cost `freeOverMinor`; what is
 * charged is read in the transaction that charges it, never from the look-up that lists use.
 */

export {
  limits,
  type MethodChange,
  type MethodStatus,
  methodStatuses,
  type NewMethod,
  type OfferedMethod,
  type ShippingMethod,
} from "./model.ts";
export {
  changeShippingMethod,
  createShippingMethod,
  deleteShippingMethod,
  getShippingMethod,
  listShippingMethods,
  offeredMethods,
} from "./service.ts";
