/** Stock of one variant at one location. `available` = max(onHand − reserved, 0). */
export type Level = {
  variantId: string;
  productId: string;
  locationId: string;
  onHand: number;
  reserved: number;
  /** On its way here by transfers. */
  incoming: number;
  available: number;
  /** Sales may go under what is there. */
  backorder: boolean;
  /** `low` at or below this many available units; null: never. */
  lowThreshold: number | null;
  low: boolean;
  version: number;
  updatedAt: string;
};

/** A level as lists show it. */
export type ListedLevel = Level & { sku: string | null; title: string | null };

export type Adjustment = {
  storeId: string;
  variantId: string;
  /** Default: the store's default location. */
  locationId?: string | undefined;
  /** Added to `on_hand`; not 0. */
  delta: number;
  reason: string;
  /** Who did it: the id of a key, later of a person. */
  author: string;
  /** Makes the adjustment happen once however often it is asked for; null: each one is new. */
  key: string | null;
  /** For the audit log. */
  route?: string | undefined;
  traceparent?: string | undefined;
};

/** One row of the ledger of `on_hand`. */
export type LedgerEntry = {
  id: string;
  variantId: string;
  locationId: string;
  delta: number;
  reason: string;
  author: string;
  /** What caused it: `api` (`api:…` with a key of the caller's), `sale:…`, `transfer:…`, `return:…`, `imp_…:row`. */
  key: string;
  at: Date;
};

/** Largest change in one adjustment; sums of them stay far below 2^53. */
export const MAX_DELTA = 1_000_000_000;

export type AdjustOutcome =
  | "applied"
  | "repeated"
  | "insufficient"
  | "no_variant"
  | "no_location"
  | "inactive_location";

export type LevelChange = {
  /** Default: all locations that have the variant, or the default one. */
  locationId?: string | undefined;
  backorder?: boolean | undefined;
  /** Null: no longer watched. */
  lowThreshold?: number | null | undefined;
};

export type Location = {
  id: string;
  name: string;
  isDefault: boolean;
  active: boolean;
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

export type LocationChange = {
  name?: string | undefined;
  /** Only to true: a store has one default location, and another takes it over. */
  isDefault?: true | undefined;
  active?: boolean | undefined;
};

export const transferStatuses = ["draft", "in_transit", "received", "cancelled"] as const;
export type TransferStatus = (typeof transferStatuses)[number];

export type TransferLine = { variantId: string; quantity: number };

export type Transfer = {
  id: string;
  fromLocationId: string;
  toLocationId: string;
  status: TransferStatus;
  note: string | null;
  author: string;
  lines: (TransferLine & { productId: string })[];
  version: number;
  createdAt: Date;
  updatedAt: Date;
  shippedAt: Date | null;
  settledAt: Date | null;
};

export type NewTransfer = {
  fromLocationId: string;
  toLocationId: string;
  lines: TransferLine[];
  note?: string | null | undefined;
};
