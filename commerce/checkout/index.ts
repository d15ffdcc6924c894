/**
 * From cart to order. Owns `checkout.attempt` (one row per idempotency key, with the answer that each repetition gets)
 * and what flash mode needs: `checkout.flash_switch`, `checkout.flash_outcome` (flash/index.ts).
 * The flow that joins carts, inventory, orders and payments, through the SQL functions they publish.
 *
 * Always holds (service.ts tells how): a cart becomes at most one placed order; an order is placed only while its stock
 * is reserved and its payment authorised; stock that is claimed is sold or given back; an authorisation whose order is
 * not placed is voided. None of it depends on the process that began a checkout staying alive.
 */

export { refreshAnswers } from "./erase.ts";
export { Unfinished } from "./errors.ts";
export * from "./flash/index.ts";
export { type Groups, openGroups } from "./groups.ts";
export type { CheckoutAnswer, CheckoutDeps, CheckoutRequest, Step } from "./model.ts";
export { reconcilePayment, recoverCheckouts } from "./recovery.ts";
export { checkout } from "./service.ts";
