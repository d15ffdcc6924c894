/** Rules as they come in become rules that are kept; every fault is named by its path. */
import type { FieldError } from "../../platform/errors.ts";
import type { Tx } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { findCategories } from "../catalog/index.ts";
import type { Condition, ConditionInput, Rule, RuleInput } from "./model.ts";

/** Handles of categories become ids, words are cleaned. */
export async function resolved(
  tx: Tx,
  storeId: string,
  rule: RuleInput,
  errors: FieldError[],
): Promise<Rule> {
  const words = rule.conditions.flatMap(({ field, values = [] }) => (field === "category" ? values : []));
  const categories = await findCategories(tx, storeId, words);
  const conditions = rule.conditions.map((condition, index) => {
    const path = `rule.conditions.${index}`;
    return condition.field === "price"
      ? priceCondition(condition, path, errors)
      : wordCondition(condition as ConditionInput & { field: WordField }, path, categories, errors);
  });
  return { match: rule.match, conditions };
}

type WordField = Exclude<Condition["field"], "price">;

function priceCondition({ min, max, values }: ConditionInput, path: string, errors: FieldError[]): Condition {
  if (values) errors.push({ path: `${path}.values`, message: "does not go with a price" });
  if (min === undefined && max === undefined) errors.push({ path, message: "needs min or max" });
  if (min !== undefined && max !== undefined && min > max) {
    errors.push({ path: `${path}.max`, message: "is below min" });
  }
  return { field: "price", min, max };
}

function wordCondition(
  { field, values = [], min, max }: ConditionInput & { field: WordField },
  path: string,
  categories: ReadonlyMap<string, { id: string }>,
  errors: FieldError[],
): Condition {
  if (values.length === 0) errors.push({ path: `${path}.values`, message: "are missing" });
  if (min !== undefined || max !== undefined)
    errors.push({ path, message: "takes min and max for a price only" });
  const meant = values.map((word, at) => {
    const value = field === "category" ? (categories.get(word)?.id ?? "") : clean(word);
    const message = field === "category" ? "is no category of this store" : "must not be empty";
    if (value === "") errors.push({ path: `${path}.values.${at}`, message });
    return value;
  });
  return { field, values: [...new Set(meant)] };
}
