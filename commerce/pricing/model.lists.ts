/** Price lists: types, limits and what holds for a window. Which price wins is told in migrations/0002_price_lists.sql. */
import { type FieldError, invalid } from "../../platform/errors.ts";
import { clean } from "../../platform/text.ts";

export const listTypes = ["sale", "override"] as const;
export type ListType = (typeof listTypes)[number];

export const listStatuses = ["draft", "active"] as const;
export type ListStatus = (typeof listStatuses)[number];

export const listLimits = {
  name: 255,
  segments: 100,
  quantity: 9_999,
  /** In one request. */
  entries: 1_000,
  /** In one list: all its products are announced in one transaction. */
  entriesInList: 50_000,
  /** In one request for prices. */
  resolved: 100,
} as const;

/** Applies while active and `startsAt <= now < endsAt`; to everyone, or to buyers in one of `segmentIds`. */
export type PriceList = {
  id: string;
  name: string;
  type: ListType;
  status: ListStatus;
  currency: string;
  segmentIds: string[];
  startsAt: Date | null;
  endsAt: Date | null;
  entryCount: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

export type ListSettings = Pick<PriceList, "name" | "type" | "status" | "segmentIds" | "startsAt" | "endsAt">;

/** What may be said of a list; times as RFC 3339. Left out: as it is, or the default. */
export type ListInput = {
  name?: string | undefined;
  type?: ListType | undefined;
  status?: ListStatus | undefined;
  segmentIds?: string[] | undefined;
  startsAt?: string | null | undefined;
  endsAt?: string | null | undefined;
};

export type EntryKey = { variantId: string; minQuantity?: number | undefined };
export type NewEntry = EntryKey & { amountMinor: number };

export type ListEntry = {
  variantId: string;
  productId: string;
  minQuantity: number;
  amountMinor: number;
};

/** `before` as `input` changes it. @throws Problem 422. */
export function applied(before: ListSettings, input: ListInput): ListSettings {
  const errors: FieldError[] = [];
  const time = (path: "startsAt" | "endsAt") => {
    const value = input[path];
    if (value === undefined) return before[path];
    const at = value === null ? null : parseTime(value);
    if (at === undefined) errors.push({ path, message: "must be a time as RFC 3339 has it" });
    return at ?? null;
  };
  const after: ListSettings = {
    name: clean(input.name ?? before.name),
    type: input.type ?? before.type,
    status: input.status ?? before.status,
    segmentIds: [...new Set(input.segmentIds ?? before.segmentIds)],
    startsAt: time("startsAt"),
    endsAt: time("endsAt"),
  };
  if (after.startsAt && after.endsAt && after.startsAt >= after.endsAt) {
    errors.push({ path: "endsAt", message: "must be after startsAt" });
  }
  if (errors.length > 0) throw invalid(errors);
  return after;
}

/** Undefined for what is no moment: months and days that don't exist included, which Date would carry over. */
export function parseTime(text: string): Date | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (!match) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (year < 1970 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
