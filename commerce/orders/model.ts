export const orderStatuses = ["pending", "placed", "completed", "cancelled", "refused"] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const paymentStatuses = [
  "pending",
  "authorised",
  "captured",
  "declined",
  "voided",
  "partially_refunded",
  "refunded",
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const fulfilmentStatuses = ["unfulfilled", "partial", "fulfilled"] as const;
export type FulfilmentStatus = (typeof fulfilmentStatuses)[number];

/** requested: decided here, and the payment provider has not confirmed yet. */
export type ActionStatus = "requested" | "done" | "failed";

export type Fulfilment = {
  id: string;
  status: ActionStatus;
  carrier: string | null;
  trackingNumber: string | null;
  lines: { variantId: string; quantity: number }[];
  createdAt: string;
};

/** amount = goods + shipping + tax (where prices don't contain it) + adjustment. */
export type Refund = {
  id: string;
  status: ActionStatus;
  amountMinor: number;
  goodsMinor: number;
  shippingMinor: number;
  taxMinor: number;
  adjustmentMinor: number;
  lines: { variantId: string; quantity: number; amountMinor: number; taxMinor: number; restock: boolean }[];
  createdAt: string;
};

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
  /** Units sent, or about to be. */
  fulfilledQuantity: number;
  refundedQuantity: number;
};

/** An order as the API shows it; `orders.document` makes it. Amounts in minor units, times RFC 3339 UTC. */
export type Order = {
  id: string;
  number: string;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  fulfilmentStatus: FulfilmentStatus;
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
  /** What went back, or is about to. */
  refundedMinor: number;
  fulfilments: Fulfilment[];
  refunds: Refund[];
  createdAt: string;
  placedAt: string | null;
  cancelledAt: string | null;
};

/** What jobs need to know of an order. */
export type OrderFacts = { status: OrderStatus; reservationId: string };

export type TimelineEntry = {
  id: string;
  type: string;
  data: Record<string, unknown>;
  /** The key that was used; null: the shop itself. */
  author: string | null;
  at: string;
};
