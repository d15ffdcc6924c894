/** What buyers are told after they have ordered: cancelled, refunded, shipped. */
import type { Order } from "../../orders/index.ts";
import type { Content } from "../model.ts";
import { html } from "./html.ts";
import { formatMoney } from "./order_confirmation.ts";

function letter(order: Order, title: string, sentences: string[], lines: string[]): Content {
  return {
    subject: `${title}: order ${order.number}`,
    text: [
      title,
      `Order ${order.number}`,
      ...sentences,
      ...(lines.length > 0 ? [lines.join("\n")] : []),
    ].join("\n\n"),
    html: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: auto">
<h1>${title}</h1>
<p>Order <strong>${order.number}</strong></p>
${sentences.map(sentence => html`<p>${sentence}</p>`)}
<ul>${lines.map(line => html`<li>${line}</li>`)}</ul>
</body></html>`.html,
  };
}

function linesOf(order: Order, lines: readonly { variantId: string; quantity: number }[]): string[] {
  return lines.map(({ variantId, quantity }) => {
    const title = order.lines.find(line => line.variantId === variantId)?.title ?? variantId;
    return `${quantity} × ${title}`;
  });
}

export function orderCancelled(order: Order): Content {
  const money =
    order.paymentStatus === "voided"
      ? "You have not been charged."
      : "What you have paid is on its way back to you.";
  return letter(order, "Your order was cancelled", [money], linesOf(order, order.lines));
}

/** Null when the order has no such refund. */
export function orderRefunded(order: Order, refundId: string): Content | null {
  const refund = order.refunds.find(one => one.id === refundId);
  if (!refund) return null;
  const amount = formatMoney(refund.amountMinor, order.currency);
  return letter(order, "Your refund", [`${amount} is on its way back to you.`], linesOf(order, refund.lines));
}

/** Null when the order has no such fulfilment. */
export function orderShipped(order: Order, fulfilmentId: string): Content | null {
  const sent = order.fulfilments.find(one => one.id === fulfilmentId);
  if (!sent) return null;
  const tracking = [sent.carrier, sent.trackingNumber].filter(Boolean).join(" ");
  const sentences = tracking === "" ? [] : [`Tracking: ${tracking}`];
  return letter(order, "Your order is on its way", sentences, linesOf(order, sent.lines));
}
