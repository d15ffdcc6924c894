/**
 * What is bought together. Owns `recommendations.product` and `pair` (in how many orders a product, and two products, were)
 * and `counted_order`. Jobs of `recommendations.learn` add the orders that were counted as sold; nothing is ever computed
 * over all orders, so reading and learning take the same time however many there are.
 *
 * Always holds: an order counts once, however often its job runs; a pair counts as much as its mirror; reading is one range
 * of one index and {@link MAX_COMPARED} rows of another. An order that is cancelled later has been a choice too and stays.
 */
export { boughtTogether, forgetLearned, learnOrders, MAX_COMPARED, MAX_OF_ORDER } from "./service.ts";
