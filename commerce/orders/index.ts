/**
 * What was bought, and what is done with it. Owns `orders.order`, `orders.line`, `orders.transition` and
 * `orders.state_transition` (the states and the ways between them, as data), `orders.action` and `action_line` (cancels,
 * refunds, fulfilments), `orders.event` (the timeline). Publishes `orders.create_orders`, `orders.place_orders`,
 * `orders.move` and `orders.document` for checkout's transactions.
 *
 * Always holds: an order is written once with its lines, and only its states and counts change; a state changes along the
 * tables (a trigger sees to it) and conditionally on the state before; totals are the sums of the lines (checked by the
 * table); no unit is sent or refunded twice, and no more money goes back than came; numbers are unique per store and
 * random. An order's id is a secret: who has it may see the order.
 */

export {
  type ActionDeps,
  type ActionResult,
  type ActionStep,
  cancelOrder,
  fulfilOrder,
  refundOrder,
} from "./actions.ts";
export { eraseOrders, type PersonalOrder } from "./erase.ts";
export { jobKeysOf } from "./job-keys.ts";
export {
  type Fulfilment,
  fulfilmentStatuses,
  type Order,
  type OrderFacts,
  type OrderStatus,
  orderStatuses,
  paymentStatuses,
  type Refund,
} from "./model.ts";
export { newOrderNumber } from "./number.ts";
export { type BestSeller, bestSellers, type CurrencySales, lastDays, salesByDay } from "./sales.ts";
export { factsOf, getOrder, getOrderGrouped, listOrders, listOrdersOf, orderOfAction } from "./service.ts";
export { recoverActions } from "./settle.ts";
export { timelineOf } from "./timeline.ts";
export { watchOrder } from "./watch.ts";
