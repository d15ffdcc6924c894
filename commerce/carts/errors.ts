import { invalid, notFound, Problem } from "../../platform/errors.ts";
import { limits } from "./model.ts";
import type { CartRow } from "./store.ts";

/** Why a cart that was to be changed could not be: it is missing, or not open. */
export function notOpen(cart: Pick<CartRow, "status" | "orderId"> | null): Problem {
  if (!cart) return notFound("cart");
  if (cart.status === "completed") {
    return new Problem(409, "cart_completed", "This cart has become an order.", {
      extensions: { orderId: cart.orderId },
    });
  }
  return new Problem(409, "in_progress", "This cart is being checked out; try again in a moment.", {
    headers: { "retry-after": "1" },
  });
}

export const tooMany = () =>
  invalid([{ path: "quantity", message: `a line holds at most ${limits.quantity} of a variant` }]);

export const tooDear = () =>
  invalid([{ path: "quantity", message: "makes the total larger than a cart may be" }]);

export const cartFull = () =>
  invalid([{ path: "variantId", message: `a cart has at most ${limits.lines} lines` }]);

export const noPrice = (currency: string) =>
  new Problem(422, "no_price", `This variant has no price in ${currency}.`, {
    errors: [{ path: "variantId", message: `has no price in ${currency}` }],
  });

export const unknownCoupon = (index: number) =>
  new Problem(422, "unknown_coupon", "There is no such coupon code.", {
    errors: [{ path: `couponCodes.${index}`, message: "is not a coupon of this store" }],
  });

export const unknownShippingMethod = () =>
  new Problem(422, "unknown_shipping_method", "There is no such shipping method.", {
    errors: [{ path: "shippingMethod", message: "is not a shipping method of this store and currency" }],
  });

export const methodNotOffered = () =>
  new Problem(422, "shipping_method_not_offered", "This shipping method is not offered in that country.", {
    errors: [{ path: "shippingMethod", message: "is not offered in the country of the shipping address" }],
  });

export const unknownCurrency = (currency: string) =>
  invalid([{ path: "currency", message: `this store does not sell in ${currency}` }]);
