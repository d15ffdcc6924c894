/** What a shop sold, for its merchant: added up anew each time, so whoever shows it keeps it for a while. */
import type { Sql } from "../../platform/postgres/index.ts";
import * as store from "./store.sales.ts";

const DAY_MS = 86_400_000;

/** Of one day, UTC. */
export type DaySales = { day: string; orders: number; revenueMinor: number };

/** Orders that were placed and not cancelled, by what they came to, less what was paid back. */
export type CurrencySales = {
  currency: string;
  orders: number;
  revenueMinor: number;
  /** Each day of the span, oldest first. */
  days: DaySales[];
};

export type BestSeller = { productId: string; title: string; units: number };

/** `2026-11-20`, UTC; of the last `days` days up to `now`, oldest first. */
export function lastDays(days: number, now: Date): string[] {
  return Array.from({ length: days }, (_, i) =>
    new Date(now.getTime() - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** By currency, the one with most orders first; `days` as {@link lastDays} gives them. */
export async function salesByDay(
  sql: Sql,
  storeId: string,
  days: readonly string[],
): Promise<CurrencySales[]> {
  const rows = await store.selectSales(sql, storeId, beginOf(days));
  const currencies = [...new Set(rows.map(row => row.currency))];
  const all = currencies.map(currency => {
    const sold = new Map(rows.filter(row => row.currency === currency).map(row => [row.day, row]));
    const each = days.map(day => ({
      day,
      orders: sold.get(day)?.orders ?? 0,
      revenueMinor: sold.get(day)?.revenueMinor ?? 0,
    }));
    const sum = (field: "orders" | "revenueMinor") => each.reduce((total, one) => total + one[field], 0);
    return { currency, orders: sum("orders"), revenueMinor: sum("revenueMinor"), days: each };
  });
  return all.toSorted((a, b) => b.orders - a.orders);
}

/** Products by units that were bought and not refunded, most first. */
export function bestSellers(
  sql: Sql,
  storeId: string,
  days: readonly string[],
  limit: number,
): Promise<BestSeller[]> {
  return store.selectBestSellers(sql, storeId, beginOf(days), limit);
}

const beginOf = (days: readonly string[]) => new Date(`${days[0]}T00:00:00Z`);
