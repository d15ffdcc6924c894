/** `totalMinor` keeps every sum exact in a double (2^53 ≈ 9 · 10^15). */
export const limits = { lines: 100, quantity: 9_999, totalMinor: 1_000_000_000_000_000 } as const;

export type CartStatus = "open" | "checking_out" | "completed";

export type Address = {
  name: string;
  line1: string;
  line2?: string | undefined;
  city: string;
  postalCode: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
};

/** `unitMinor` is null and `sellable` false where the variant can't be bought any more; such a line counts nothing. */
export type CartLine = {
  id: string;
  variantId: string;
  productId: string | null;
  sku: string | null;
  title: string | null;
  quantity: number;
  unitMinor: number | null;
  compareAtMinor: number | null;
  discountMinor: number;
  totalMinor: number;
  available: number;
  sellable: boolean;
};

export type Totals = {
  subtotalMinor: number;
  discountMinor: number;
  shippingMinor: number;
  taxMinor: number;
  totalMinor: number;
};

export type Cart = Totals & {
  id: string;
  status: CartStatus;
  version: number;
  currency: string;
  email: string | null;
  shippingAddress: Address | null;
  shippingMethod: string | null;
  couponCodes: string[];
  lines: CartLine[];
  adjustments: never[];
  orderId: string | null;
  createdAt: string;
  updatedAt: string;
};

/** Undefined leaves a field alone, null clears it. */
export type CartChange = {
  email?: string | null | undefined;
  shippingAddress?: Address | null | undefined;
  shippingMethod?: string | null | undefined;
  couponCodes?: string[] | undefined;
};

/** total = subtotal − discount + shipping + tax; the subtotal is the sum of the lines before discounts. */
export function totalsOf(
  lines: readonly Pick<CartLine, "quantity" | "unitMinor" | "sellable" | "discountMinor">[],
): Totals {
  let subtotalMinor = 0;
  let discountMinor = 0;
  for (const line of lines) {
    if (!line.sellable || line.unitMinor === null) continue;
    subtotalMinor += line.unitMinor * line.quantity;
    discountMinor += line.discountMinor;
  }
  const shippingMinor = 0;
  const taxMinor = 0;
  const totalMinor = subtotalMinor - discountMinor + shippingMinor + taxMinor;
  return { subtotalMinor, discountMinor, shippingMinor, taxMinor, totalMinor };
}
