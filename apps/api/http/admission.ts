/**
 * Admission control of checkouts that go the direct way, in force during a sale: a node serves so many at once, and tells
 * the others to come again in a moment. Past what Postgres can do, more at once only makes all of them slower. Those
 * of flash mode wait in their lanes, which have a limit of their own.
 */
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { perNode } from "./per-node.ts";

/** Random, so that those who were refused together don't come back together. */
const RETRY_SECONDS = 3;

/** Runs `work`. @throws Problem 429 `busy` when it is a sale and too many are inside */
export type Admission = <T>(work: () => Promise<T>) => Promise<T>;

export const admissionOf = perNode(({ bus, config, metrics }: ApiDeps): Admission => {
  const refused = metrics.counter(
    "tradewind_checkouts_refused_total",
    "Checkouts refused by admission control during a sale",
  );
  let inside = 0;
  return async work => {
    if (inside >= config.saleCheckouts && bus.isSale) {
      refused.inc();
      const seconds = 1 + Math.floor(Math.random() * RETRY_SECONDS);
      throw new Problem(429, "busy", `Too many check out at this moment; try again in ${seconds} s.`, {
        headers: { "retry-after": String(seconds) },
      });
    }
    inside++;
    try {
      return await work();
    } finally {
      inside--;
    }
  };
});
