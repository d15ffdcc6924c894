import type { Contract } from "./contracts/contract.ts";

/**
 * Milliseconds to wait after failed try `attempt`: exponential with "equal jitter" (Brooker, "Exponential Backoff and
 * Jitter", AWS 2015): half of min(maxMs, baseMs × 2^(attempt-1)) is fixed, the other half random.
 */
export function backoffMs(contract: Contract, attempt: number, random: () => number = Math.random): number {
  const { baseMs, maxMs } = contract.backoff;
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
