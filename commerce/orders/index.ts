/**
 * What was bought. Owns `orders.order`, `orders.line` and `orders.transition` (the states and the ways between them, as
 * data). Publishes `orders.create_pending`, `orders.move` and `orders.document` for checkout's transactions.
 *
 * Always holds: an order is written once with its lines, and only its states change; a state changes along
 * `orders.transition` and conditionally on the state before; totals are the sums of the lines (checked by the table);
 * numbers are unique per store and random. An order's id is a secret: who has it may see the order.
 */

export { type Order, type OrderFacts, type OrderPage, type OrderStatus, orderStatuses } from "./model.ts";
export { factsOf, getOrder, listOrders, listOrdersOf } from "./service.ts";
