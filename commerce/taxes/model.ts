/** Standard unless a product says otherwise; on `zero` no tax is due anywhere. */
export const taxCategories = ["standard", "reduced", "zero"] as const;
export type TaxCategory = (typeof taxCategories)[number];

export const limits = { name: 255, region: 64, ratePpm: 1_000_000 } as const;

export type TaxRate = {
  id: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** In capitals; null: all of the country that has no rate of its own. */
  region: string | null;
  category: TaxCategory;
  name: string;
  /** Parts per million of the net amount: 190,000 is 19 %. */
  ratePpm: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

export type NewRate = {
  country: string;
  region?: string | null | undefined;
  category?: TaxCategory | undefined;
  name: string;
  ratePpm: number;
};

export type RateChange = { name?: string | undefined; ratePpm?: number | undefined };

export type TaxSettings = {
  /** Prices contain the tax; else it is added. */
  pricesIncludeTax: boolean;
  /** Whose rates a cart without an address is shown; null: none. */
  defaultCountry: string | null;
  version: number;
};

export type SettingsChange = {
  pricesIncludeTax?: boolean | undefined;
  defaultCountry?: string | null | undefined;
};
