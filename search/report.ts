/** What merchants see of how their shop is searched. */
import { invalid } from "../platform/errors.ts";
import type { Sql } from "../platform/postgres/index.ts";
import {
  type ProductFigures,
  type QueryFigures,
  type Span,
  selectClicked,
  selectQueries,
  selectTotals,
  type Totals,
} from "./analytics.store.ts";

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 400;
const DEFAULT_LIMIT = 20;

export type ReportParams = {
  /** Days, `2026-11-20`, UTC, inclusive. Default: the last 30. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
};

export type SearchReport = Span &
  Totals & { popular: QueryFigures[]; fruitless: QueryFigures[]; clicked: ProductFigures[] };

/** @throws Problem 422 for days that are none, or too many. */
export async function searchReport(
  sql: Sql,
  storeId: string,
  params: ReportParams,
  now: Date,
): Promise<SearchReport> {
  const span = spanOf(params, now);
  const limit = params.limit ?? DEFAULT_LIMIT;
  const [totals, popular, fruitless, clicked] = await Promise.all([
    selectTotals(sql, storeId, span),
    selectQueries(sql, storeId, span, { limit, fruitless: false }),
    selectQueries(sql, storeId, span, { limit, fruitless: true }),
    selectClicked(sql, storeId, span, limit),
  ]);
  return { ...span, ...totals, popular, fruitless, clicked };
}

function spanOf(params: ReportParams, now: Date): Span {
  const to = dayOf("to", params.to ?? now.toISOString().slice(0, 10));
  const from = params.from === undefined ? to - (DEFAULT_DAYS - 1) * DAY_MS : dayOf("from", params.from);
  if (from > to) throw invalid([{ path: "from", message: "must not be after `to`" }]);
  if (to - from > MAX_DAYS * DAY_MS)
    throw invalid([{ path: "from", message: `must be within ${MAX_DAYS} days of \`to\`` }]);
  return { from: textOf(from), to: textOf(to) };
}

const textOf = (day: number) => new Date(day).toISOString().slice(0, 10);

function dayOf(path: string, text: string): number {
  const day = /^20\d\d-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day) || textOf(day) !== text)
    throw invalid([{ path, message: "must be a day such as 2026-11-20" }]);
  return day;
}
