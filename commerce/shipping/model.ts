import type { TaxCategory } from "../taxes/index.ts";

export const methodStatuses = ["draft", "active"] as const;
export type MethodStatus = (typeof methodStatuses)[number];

export const limits = { name: 255, countries: 250, methods: 100 } as const;

export type ShippingMethod = {
  id: string;
  name: string;
  currency: string;
  /** Before tax, or with it where the store's prices include tax. */
  amountMinor: number;
  /** ISO 3166-1 alpha-2; empty: everywhere. */
  countries: string[];
  /** Free from this cost of the goods on; null: never. */
  freeOverMinor: number | null;
  taxCategory: TaxCategory;
  status: MethodStatus;
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

/** What a shop front sees of a method. */
export type OfferedMethod = Pick<
  ShippingMethod,
  "id" | "name" | "currency" | "amountMinor" | "countries" | "freeOverMinor"
>;

export type MethodChange = {
  name?: string | undefined;
  amountMinor?: number | undefined;
  countries?: string[] | undefined;
  freeOverMinor?: number | null | undefined;
  taxCategory?: TaxCategory | undefined;
  status?: MethodStatus | undefined;
};

export type NewMethod = MethodChange & {
  name: string;
  amountMinor: number;
  /** Default: the store's. It can't be changed later. */
  currency?: string | undefined;
};
