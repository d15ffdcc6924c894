/** Stock of one variant at one location. `available` = max(onHand − reserved, 0). */
export type Level = {
  variantId: string;
  locationId: string;
  onHand: number;
  reserved: number;
  available: number;
  version: number;
  updatedAt: string;
};

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
  /** Makes the adjustment happen once however often it is asked for. */
  key: string;
  traceparent?: string | undefined;
};

/** Largest change in one adjustment; sums of them stay far below 2^53. */
export const MAX_DELTA = 1_000_000_000;

export type AdjustOutcome = "applied" | "repeated" | "insufficient" | "no_location";
