/** A merchant's figures: what was sold by day, what sells best, what runs out, what is searched for. */

import { listLevels } from "../../../commerce/inventory/index.ts";
import {
  type BestSeller,
  bestSellers,
  type CurrencySales,
  lastDays,
  salesByDay,
} from "../../../commerce/orders/index.ts";
import type { Ask } from "../../../platform/cache/index.ts";
import { searchReport } from "../../../search/index.ts";
import type { ApiDeps } from "../deps.ts";
import { lifetimes } from "./lifetimes.ts";

const SHOWN = 10;

export type Dashboard = {
  from: string;
  to: string;
  asOf: string;
  sales: CurrencySales[];
  bestSellers: BestSeller[];
  lowStock: {
    variantId: string;
    productId: string;
    sku: string | null;
    title: string | null;
    locationId: string;
    available: number;
    lowThreshold: number | null;
  }[];
  searches: { searches: number; withoutResult: number; popular: { query: string; searches: number }[] };
};

/** Of the last `days` days, UTC. Another one when the day is another one. */
export function askDashboard(deps: ApiDeps, storeId: string, days: number): Ask {
  const now = deps.clock.now();
  return {
    key: `dashboard:${storeId}:${days}:${lastDays(1, now)[0]}`,
    family: lifetimes.dashboard,
    async load(replica) {
      const sql = replica ?? deps.sql;
      const span = lastDays(days, now);
      const [from, to] = [span[0]!, span.at(-1)!];
      const [sales, best, low, report] = await Promise.all([
        salesByDay(sql, storeId, span),
        bestSellers(sql, storeId, span, SHOWN),
        listLevels(sql, storeId, { low: true, limit: SHOWN }),
        searchReport(sql, storeId, { from, to, limit: SHOWN }, now),
      ]);
      const { searches, withoutResult, popular } = report;
      const shown: Dashboard = {
        ...{ from, to, asOf: deps.clock.now().toISOString(), sales, bestSellers: best },
        lowStock: low.items.map(level => {
          const { variantId, productId, sku, title, locationId, available, lowThreshold } = level;
          return { variantId, productId, sku, title, locationId, available, lowThreshold };
        }),
        searches: {
          ...{ searches, withoutResult },
          popular: popular.map(one => ({ query: one.query, searches: one.searches })),
        },
      };
      return { text: JSON.stringify(shown), tags: [] };
    },
  };
}
