/**
 * What happens when something happened: event → jobs. An event is not a message: `emit` writes one outbox row per job
 * that reacts, in the transaction of the change. (A work-queue stream cannot fan out, and this way modules need not
 * import one another.)
 */
import { catalogAttachMedia } from "./contracts/catalog.attach_media.ts";
import { catalogCountSale } from "./contracts/catalog.count_sale.ts";
import { catalogImport } from "./contracts/catalog.import.ts";
import { catalogRebuild } from "./contracts/catalog.rebuild.ts";
import { catalogRegroup } from "./contracts/catalog.regroup.ts";
import { catalogRestock } from "./contracts/catalog.restock.ts";
import { catalogSummarise } from "./contracts/catalog.summarise.ts";
import { checkoutPay } from "./contracts/checkout.pay.ts";
import type { Contract, Payload } from "./contracts/contract.ts";
import { customerErase } from "./contracts/customer.erase.ts";
import { emailSend } from "./contracts/email.send.ts";
import { imageBackfill } from "./contracts/image.backfill.ts";
import { imageConvert } from "./contracts/image.convert.ts";
import { paymentReconcile } from "./contracts/payment.reconcile.ts";
import { recommendationsLearn } from "./contracts/recommendations.learn.ts";
import { searchIndex } from "./contracts/search.index.ts";
import { searchReindex } from "./contracts/search.reindex.ts";
import { searchRestock } from "./contracts/search.restock.ts";
import { searchSettings } from "./contracts/search.settings.ts";
import { stockCommit } from "./contracts/stock.commit.ts";
import { stockRelease } from "./contracts/stock.release.ts";

export type ShopEvent =
  | { type: "orders.allocated"; orderIds: string[] }
  | { type: "order.placed"; orderId: string }
  /** They are counted as sold; at most a thousand. */
  | { type: "sales.counted"; orderIds: string[] }
  | { type: "order.cancelled"; orderId: string }
  | { type: "order.refunded"; refundId: string }
  | { type: "order.shipped"; fulfilmentId: string }
  | { type: "reservation.lapsed"; reservationId: string }
  | { type: "product.changed"; productId: string }
  | { type: "stock.changed"; productIds: string[] }
  /** The stock that lists show is another one now. */
  | { type: "stock.shown"; productIds: string[] }
  /** `grouped`: also the collections that it is in, or what they are called. */
  | { type: "summary.changed"; productId: string; grouped?: boolean }
  /** What they will cost, and from when. */
  | { type: "prices.planned"; productIds: string[] }
  | { type: "category.created"; categoryId: string }
  /** Who is in these lists or where; or the order by one of their other keys. A group: a category, a collection, '' for all. */
  | { type: "lists.changed"; changes: { groupId: string; what: "members" | "title" | "price" }[] }
  /** Lists by what sells are in another order. */
  | { type: "popularity.shown" }
  | { type: "category.changed"; categoryId: string }
  | { type: "collection.changed"; collectionId: string }
  | { type: "rebuild.requested"; buildId: string }
  | { type: "reindex.requested"; buildId: string }
  | { type: "search.settings_changed" }
  | { type: "stock.low"; crossingId: string }
  | { type: "media.uploaded"; assetId: string }
  | { type: "media.changed"; assetId: string }
  | { type: "presets.changed"; backfillId: string }
  | { type: "import.created"; importId: string }
  | { type: "erasure.requested"; erasureId: string }
  | { type: "payment.heard"; intentId: string }
  | { type: "password.reset_requested"; resetId: string }
  /** What customers see of themselves, or that they are gone. */
  | { type: "customer.changed"; customerId: string }
  | { type: "cart.abandoned"; cartId: string };

export type Reaction = { contract: Contract; payload: unknown };

function react<C extends Contract>(contract: C, payload: Payload<C>): Reaction {
  return { contract, payload };
}

/** One mail about a subject that is written about once. */
function mail(template: Payload<typeof emailSend>["template"], subjectId: string): Reaction {
  return react(emailSend, { template, subjectId, eventId: `${template}:${subjectId}` });
}

type Reactions = { [T in ShopEvent["type"]]: (event: Extract<ShopEvent, { type: T }>) => Reaction[] };

const reactions: Reactions = {
  // They got their stock from a queue; now they are paid.
  "orders.allocated": ({ orderIds }) => [react(checkoutPay, { orderIds })],
  "order.placed": ({ orderId }) => [
    // Lists of one: orders that are placed together are one job of these (bus.enqueue_each).
    react(stockCommit, { orderIds: [orderId] }),
    react(emailSend, { template: "order_confirmation", orderIds: [orderId] }),
    react(catalogCountSale, { orderIds: [orderId] }),
  ],
  "sales.counted": ({ orderIds }) => [react(recommendationsLearn, { orderIds })],
  "order.cancelled": ({ orderId }) => [mail("order_cancelled", orderId)],
  "order.refunded": ({ refundId }) => [mail("order_refunded", refundId)],
  "order.shipped": ({ fulfilmentId }) => [mail("order_shipped", fulfilmentId)],
  "reservation.lapsed": ({ reservationId }) => [react(stockRelease, { reservationId })],
  "product.changed": ({ productId }) => [
    react(catalogSummarise, { productId }),
    react(searchIndex, { productId }),
  ],
  // Stock changes with each order: search hears of it from what keeps the lists, which many changes share.
  "stock.changed": ({ productIds }) => [react(catalogRestock, { productIds })],
  "stock.shown": ({ productIds }) => [react(searchRestock, { productIds })],
  "summary.changed": ({ productId }) => [react(searchIndex, { productId })],
  // Kept answers alone hear of these (invalidations.ts).
  "prices.planned": () => [],
  "category.created": () => [],
  "lists.changed": () => [],
  "popularity.shown": () => [],
  "customer.changed": () => [],
  "category.changed": ({ categoryId }) => [react(catalogRegroup, { groupId: categoryId })],
  "collection.changed": ({ collectionId }) => [react(catalogRegroup, { groupId: collectionId })],
  "rebuild.requested": ({ buildId }) => [react(catalogRebuild, { buildId })],
  "search.settings_changed": () => [react(searchSettings, {})],
  "reindex.requested": ({ buildId }) => [react(searchReindex, { buildId })],
  // To the merchant; discarded where the store has named nobody to write to.
  "stock.low": ({ crossingId }) => [mail("low_stock", crossingId)],
  "media.uploaded": ({ assetId }) => [react(imageConvert, { assetId })],
  "presets.changed": ({ backfillId }) => [react(imageBackfill, { backfillId })],
  "media.changed": ({ assetId }) => [react(catalogAttachMedia, { assetId })],
  "erasure.requested": ({ erasureId }) => [react(customerErase, { erasureId })],
  "import.created": ({ importId }) => [react(catalogImport, { importId })],
  // Nothing reacts to it yet: reminders are for campaigns.
  "cart.abandoned": () => [],
  "payment.heard": ({ intentId }) => [react(paymentReconcile, { intentId })],
  "password.reset_requested": ({ resetId }) => [
    react(emailSend, {
      template: "password_reset",
      subjectId: resetId,
      eventId: `password.reset_requested:${resetId}`,
    }),
  ],
};

export function reactionsTo(event: ShopEvent): Reaction[] {
  return (reactions[event.type] as (event: ShopEvent) => Reaction[])(event);
}
