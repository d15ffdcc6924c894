export const orderStatuses = ["pending", "placed", "completed", "cancelled", "refused"] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export type OrderLine = {
  variantId: string;
  productId: string;
  sku: string | null;
  title: string;
  quantity: number;
  unitMinor: number;
  /** The rule that gave the price: `base`, `sale:<list>`, `override:<list>`. */
  source: string;
  discountMinor: number;
  totalMinor: number;
  /** Parts per million of the net amount: 190,000 is 19 %. */
  taxRatePpm: number;
  taxMinor: number;
};

/** An order as the API shows it; `orders.document` makes it. Amounts in minor units, times RFC 3339 UTC. */
export type Order = {
  id: string;
  number: string;
  status: OrderStatus;
  paymentStatus: "pending" | "authorised" | "captured" | "declined" | "voided" | "refunded";
  fulfilmentStatus: "unfulfilled" | "partial" | "fulfilled";
  email: string | null;
  shippingAddress: Record<string, string> | null;
  shippingMethod: { id: string; name: string } | null;
  note: string | null;
  currency: string;
  lines: OrderLine[];
  subtotalMinor: number;
  discountMinor: number;
  shippingMinor: number;
  /** Prices contain the tax: it is told, but not added. */
  taxIncluded: boolean;
  taxMinor: number;
  totalMinor: number;
  createdAt: string;
  placedAt: string | null;
};

/** What jobs need to know of an order. */
export type OrderFacts = { status: OrderStatus; reservationId: string };

export type OrderPage = { items: Order[]; nextCursor: string | null };
