/** `totalMinor` keeps every sum exact in a double (2^53 ≈ 9 · 10^15). */
export const limits = { lines: 100, quantity: 9_999, totalMinor: 1_000_000_000_000_000 } as const;

export type CartStatus = "open" | "checking_out" | "completed";

export type Address = {
  name: string;
  line1: string;
  line2?: string | undefined;
  city: string;
  postalCode: string;
  /** State or province, as the tax rates of its country name it (`CA`, `QC`). */
  region?: string | undefined;
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
  /** The rule that gave the price: `base`, `sale:<list>`, `override:<list>`. */
  source: string | null;
  discountMinor: number;
  totalMinor: number;
  /** Parts per million of the net amount: 190,000 is 19 %. */
  taxRatePpm: number;
  taxMinor: number;
  available: number;
  sellable: boolean;
};

export type Totals = {
  subtotalMinor: number;
  discountMinor: number;
  shippingMinor: number;
  /** Prices contain the tax: it is told, but not added. */
  taxIncluded: boolean;
  taxMinor: number;
  totalMinor: number;
};

/** What `carts.quotes` says of a cart (migrations/0003_totals.sql): the one place where totals are computed. */
export type Quote = Totals & {
  wantedMethod: string | null;
  shippingMethod: { id: string; name: string } | null;
  lines: (Omit<CartLine, "id" | "available"> & { lineId: string })[];
};

export type Cart = Totals & {
  id: string;
  status: CartStatus;
  version: number;
  currency: string;
  /** Null: a guest's. */
  customerId: string | null;
  email: string | null;
  shippingAddress: Address | null;
  shippingMethod: string | null;
  couponCodes: string[];
  note: string | null;
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
  /** What the buyer wants to tell the shop; at most 1,000 characters. */
  note?: string | null | undefined;
};
