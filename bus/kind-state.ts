/** What follows for a kind from what operators set: for the kind, for its pool, for a sale. Pure. */
import type { Contract, Priority, Rate } from "./contracts/contract.ts";

/** Set for one kind. `rate` null: no limit, whatever the contract says. Times are RFC 3339. */
export type KindSettings = { cap?: number; paused?: boolean; rate?: Rate | null };
export type StoredKind = KindSettings & { pausedAt?: string };
export type StoredPool = { paused?: boolean; pausedAt?: string };
export type StoredSale = { on?: boolean; at?: string };

/** Why a kind starts nothing. `downstream`: what it needs is away, in some processes or all. */
export type Pause = {
  by: "operator" | "pool" | "sale" | "downstream";
  reason: string;
  since: string | null;
};

export type KindState = {
  /** As it was set. */
  cap: number;
  /** As it is enforced: a sale narrows the kinds of the normal pool. */
  capNow: number;
  rate: Rate | null;
  /** Some reason or other stands. */
  paused: boolean;
  pauses: Pause[];
};

/** During a sale a kind of the normal pool runs at most this share of its cap, so that high finds the rest. */
const SALE_SHARE = 0.5;

export function kindState(
  contract: Contract,
  stored: { kind: StoredKind; pool: StoredPool; sale: StoredSale },
): KindState {
  const { kind, pool, sale } = stored;
  const cap = kind.cap ?? contract.cap;
  const pauses: Pause[] = [];
  if (kind.paused)
    pauses.push({ by: "operator", reason: "the kind is paused", since: kind.pausedAt ?? null });
  if (pool.paused) pauses.push({ by: "pool", reason: "its pool is paused", since: pool.pausedAt ?? null });
  if (sale.on && waitsForSale(contract.priority))
    pauses.push({ by: "sale", reason: "low work waits until the sale is over", since: sale.at ?? null });
  const isNarrowed = sale.on && contract.priority === "normal";
  return {
    cap,
    capNow: isNarrowed ? Math.ceil(cap * SALE_SHARE) : cap,
    rate: (kind.rate === undefined ? contract.rate : kind.rate) ?? null,
    paused: pauses.length > 0,
    pauses,
  };
}

function waitsForSale(priority: Priority): boolean {
  return priority === "low";
}
