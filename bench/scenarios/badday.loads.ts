/**
 * The bad days of a shop, as data: what visitors ask for at once, and what is sold meanwhile. A promotion storm, a flood of
 * mails or of webhooks is a row more here (and, where it asks for something new, a kind of visit in traffic.ts).
 */
import type { Visit } from "../traffic.ts";

export type BadDay = {
  readonly name: string;
  /** Requests a second of each kind, all in one open loop with random arrivals. */
  readonly visits: Readonly<Partial<Record<Visit, number>>>;
  /** Everybody wants one article, and there is less than wanted; `queued`: its checkouts wait in a lane (flash mode). */
  readonly sale?: { readonly stockShare: number; readonly queued: boolean };
  /** From the intended departure. */
  readonly p99Ms: number;
};

const browsing = { list: 60, product: 120, search: 20 } as const;

export const badDays: readonly BadDay[] = [
  {
    name: "a flash sale of 300 orders a minute, browsing beside",
    visits: { ...browsing, checkout: 5 },
    sale: { stockShare: 0.8, queued: false },
    p99Ms: 100,
  },
  {
    name: "a flash sale of 30,000 orders a minute, browsing beside",
    visits: { ...browsing, checkout: 500 },
    sale: { stockShare: 0.8, queued: true },
    p99Ms: 500,
  },
  {
    name: "browse, search and cart at 10,000 requests a second",
    visits: { product: 5_500, list: 2_500, search: 1_500, readCart: 500 },
    p99Ms: 250,
  },
];
