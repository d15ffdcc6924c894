/** Rules of collections: what they say, and whether a product fits. Pure. */

/** Case does not count in words. A category counts with all that is below it; a price is the product's lowest. */
export type Condition =
  | { field: "tag" | "vendor" | "type" | "category"; values: string[] }
  | { field: "price"; min?: number | undefined; max?: number | undefined };

/** A condition as it comes in: which fields go together, the service checks. */
export type ConditionInput = {
  field: Condition["field"];
  values?: string[] | undefined;
  min?: number | undefined;
  max?: number | undefined;
};
export type RuleInput = { match: "all" | "any"; conditions: ConditionInput[] };

export type Rule = { match: "all" | "any"; conditions: Condition[] };

/** What rules look at. */
export type Facts = {
  tags: readonly string[];
  vendor: string;
  type: string;
  /** Ids, with all above them. */
  categoryIds: readonly string[];
  /** Minor units of the store's currency; null: no price, which is in no range. */
  priceMinor: number | null;
};

export type Collection = {
  id: string;
  handle: string;
  title: string;
  description: string;
  /** Null: picked by hand. */
  rule: Rule | null;
  /** Picked by hand, in order; empty where there is a rule. */
  productIds: string[];
  version: number;
  createdAt: Date;
  updatedAt: Date;
};

/** A collection that a product is in; `position` only where it was picked by hand. */
export type Membership = { id: string; handle: string; title: string; position: number | null };

export const limits = {
  title: 255,
  handle: 255,
  description: 65_535,
  conditions: 20,
  values: 100,
  picks: 5_000,
  /** Rules are read and tried for each product that changes. */
  rules: 500,
} as const;

export function fits(rule: Rule, facts: Facts): boolean {
  const one = (condition: Condition) => meets(condition, facts);
  return rule.match === "all" ? rule.conditions.every(one) : rule.conditions.some(one);
}

function meets(condition: Condition, facts: Facts): boolean {
  if (condition.field === "price") {
    const { min = 0, max = Number.POSITIVE_INFINITY } = condition;
    return facts.priceMinor !== null && facts.priceMinor >= min && facts.priceMinor <= max;
  }
  if (condition.field === "category") return condition.values.some(id => facts.categoryIds.includes(id));
  const has = condition.field === "tag" ? facts.tags : [facts[condition.field]];
  const known = new Set(has.map(fold));
  return condition.values.some(value => known.has(fold(value)));
}

const fold = (word: string) => word.toLowerCase();
