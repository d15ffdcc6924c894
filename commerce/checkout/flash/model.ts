import { LANES } from "../../../bus/index.ts";
import type { Order } from "../../orders/index.ts";
import type { CheckoutRequest } from "../model.ts";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX = "ord_";
const TIME_CHARS = 10;
const LANE_CHARS = 1;
const SEQ_CHARS = 9;
const NONCE_CHARS = 20;
const LENGTH = PREFIX.length + TIME_CHARS + LANE_CHARS + SEQ_CHARS + NONCE_CHARS;

/** A place in the stream FLASH. */
export type Place = { lane: number; seq: number };

/** What travels through a lane: one checkout. It goes when it is settled. */
export type Queued = CheckoutRequest & {
  fingerprint: string;
  /** The cart as it was then: its version, and `variant:quantity` of its lines. */
  cart?: { version: number; lines: string };
  /** When it came; the id of the order sorts by it. */
  atMs: number;
  /** 100 random bits; with them the id is a secret. */
  nonce: string;
};

function digits(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32))
    text = alphabet[rest % 32] + text;
  return text;
}

export function newNonce(): string {
  let nonce = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(NONCE_CHARS))) nonce += alphabet[byte & 31];
  return nonce;
}

/**
 * The id of the order that a place in the queue becomes: time, lane, sequence, nonce. It sorts with all other ids by its
 * time, tells where in the queue it is before there is any row of it, and can't be guessed.
 */
export function flashOrderId({ atMs, nonce }: Pick<Queued, "atMs" | "nonce">, { lane, seq }: Place): string {
  // Ids carry 48 bits of time in 50.
  return `${PREFIX}${digits(atMs * 4, TIME_CHARS)}${digits(lane, LANE_CHARS)}${digits(seq, SEQ_CHARS)}${nonce}`;
}

/** The place that an id tells; null for ids that no queue gave. */
export function placeOf(orderId: string): Place | null {
  if (orderId.length !== LENGTH || !orderId.startsWith(PREFIX)) return null;
  const at = PREFIX.length + TIME_CHARS;
  const lane = alphabet.indexOf(orderId[at]!);
  let seq = 0;
  for (const char of orderId.slice(at + LANE_CHARS, at + LANE_CHARS + SEQ_CHARS)) {
    const value = alphabet.indexOf(char);
    if (value < 0) return null;
    seq = seq * 32 + value;
  }
  return lane >= 0 && lane < LANES && seq > 0 ? { lane, seq } : null;
}

/** The variants of a cart's lines as they are told of (`carts.queueable`). */
export function variantsOf(lines: string | null): string[] {
  return lines ? lines.split(",").map(line => line.slice(0, line.indexOf(":"))) : [];
}

/** All checkouts of a variant go through one lane, so that they are served in the order they came. */
export function laneOf(storeId: string, variantId: string): number {
  return Number(BigInt.asUintN(64, BigInt(Bun.hash(`${storeId}/${variantId}`))) % BigInt(LANES));
}

/** Where a checkout stands in its queue. */
export type QueuePosition = { position: number; estimatedSeconds: number };

export type Refusal = { code: string; detail: string } & Record<string, unknown>;

/** What is told of an order before there is a row of it, or when it never came to one. */
export type QueuedOrder =
  | { id: string; status: "pending"; queue: QueuePosition }
  | { id: string; status: "refused"; refusal: Refusal };

/** It has a row, and was refused for want of stock when its turn came. */
export type RefusedOrder = Order & { refusal: Refusal };
