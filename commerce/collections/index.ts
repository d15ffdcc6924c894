/**
 * Collections: products picked by hand, in an order, or gathered by a rule (tag, vendor, type, category, price range).
 * Owns `collections.collection` and `collections.pick`. Publishes `collections.find(store, idOrHandle)`.
 *
 * This module says what belongs in a collection ({@link membershipsOf}); who is in it as shops see it is written down by
 * the storefront, whose jobs follow `product.changed` and `collection.changed`.
 *
 * Always holds: a handle is unique per store; a collection has a rule or picks, never both; picks are products that
 * were there when they were picked.
 */
export {
  type Collection,
  type Condition,
  type ConditionInput,
  type Facts,
  fits,
  limits,
  type Membership,
  type Rule,
  type RuleInput,
} from "./model.ts";
export {
  type CollectionInput,
  changeCollection,
  createCollection,
  getCollection,
  listCollections,
  membershipsOf,
  removeCollection,
} from "./service.ts";
