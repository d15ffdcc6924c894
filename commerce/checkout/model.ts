import type { Bus } from "../../bus/index.ts";
import type { Log } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import type { Order } from "../orders/index.ts";
import type { Providers } from "../payments/index.ts";
import type { Groups } from "./groups.ts";

/** The places between the steps of a checkout, where a test can let the process die. */
export type Step = "begun" | "authorised" | "settled" | "lapsed" | "abandoned";

export type CheckoutDeps = {
  readonly sql: Db;
  readonly log: Log;
  readonly providers: Providers;
  readonly bus?: Pick<Bus, "poke"> | undefined;
  /** Puts checkouts that wait at the same moment into one statement; default: each by itself. */
  readonly groups?: Groups;
  /** How long stock is held for a checkout. */
  readonly holdMs: number;
  /** How long an attempt belongs to the process that works on it; more than `paymentTimeoutMs`. Default 10,000. */
  readonly leaseMs?: number;
  /** How long a provider may take to authorise. Default 8,000. */
  readonly paymentTimeoutMs?: number;
  /** Called between the steps; what it throws ends the checkout there, as a crash would. */
  readonly between?: (step: Step) => void | Promise<void>;
};

export const defaults = { leaseMs: 10_000, paymentTimeoutMs: 8_000, unansweredLeaseMs: 500 } as const;

export type CheckoutRequest = {
  storeId: string;
  cartId: string;
  /** The caller's idempotency key, unique in the store. */
  key: string;
  payment: { provider: string; token: string };
  traceparent: string;
};

/** The answer of a checkout that is settled. A refusal is kept as data; the API makes a problem of it. */
export type CheckoutAnswer = {
  /** It was given before, to the request with `traceparent`. */
  replayed: boolean;
  traceparent: string;
} & (
  | { status: 201; order: Order; location: string }
  | { status: 402; refusal: { code: "payment_declined" } }
  | { status: 409; refusal: { code: "out_of_stock"; lines: ShortLine[] } }
);

export type ShortLine = { variantId: string; requested: number; available: number };

/** An attempt as it travels from T1 to T2 (`checkout.handle`). */
export type Attempt = {
  storeId: string;
  key: string;
  orderId: string;
  intentId: string;
  provider: string;
  traceparent: string;
  amountMinor: number;
  currency: string;
};

/** What `checkout.begin_orders` takes of each checkout of a group. */
export type BeginRequest = {
  storeId: string;
  key: string;
  fingerprint: string;
  cartId: string;
  orderId: string;
  reservationId: string;
  intentId: string;
  provider: string;
  traceparent: string;
  leaseMs: number;
  holdMs: number;
  changed: readonly unknown[];
};

export type Answered = {
  outcome: "answered";
  status: 201 | 402 | 409;
  /** JSON text. */
  body: string;
  location: string | null;
  /** The answer was there before this request. */
  replayed?: true;
  traceparent: string;
};

export type Begun =
  | { outcome: "started" | "taken_over"; attempt: Attempt }
  | Answered
  | { outcome: "key_reused" | "in_progress" | "cart_missing" | "cart_busy" | "cart_empty" }
  | { outcome: "cart_completed"; orderId: string }
  | { outcome: "price_changed"; shownTotalMinor: number; totalMinor: number; currency: string };

export type Placed = Answered | { outcome: "lapsed" | "gone" };
export type Declined = Answered | { outcome: "gone" };

export function fingerprintOf({ cartId, payment }: CheckoutRequest): string {
  const text = JSON.stringify([cartId, payment.provider, payment.token]);
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

export function answerOf(stored: Answered): CheckoutAnswer {
  const body = JSON.parse(stored.body);
  const { status, traceparent, replayed = false } = stored;
  if (status === 201) return { status, replayed, traceparent, order: body, location: stored.location! };
  return { status, replayed, traceparent, refusal: body };
}
