import type { Order } from "../../orders/index.ts";
import { minorDigits } from "../../pricing/index.ts";
import type { Content } from "../model.ts";
import { html, type SafeHtml } from "./html.ts";

const formats = new Map<string, Intl.NumberFormat>();

/** Kept: making one costs as much as the rest of a mail. */
function formatOf(currency: string): Intl.NumberFormat {
  const known = formats.get(currency) ?? new Intl.NumberFormat("en", { style: "currency", currency });
  formats.set(currency, known);
  return known;
}

/** "€12.30"; "¥1,230" where the currency has no minor unit. Exact: digits are moved, not divided. */
export function formatMoney(minor: number, currency: string): string {
  const digits = minorDigits(currency);
  const format = formatOf(currency);
  const padded = String(minor).padStart(digits + 1, "0");
  const decimal = digits === 0 ? padded : `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
  return format.format(decimal as `${number}`);
}

type Row = { label: string; amount: string };

/** Totals as they are shown: parts that are 0 are left out. */
function totalRows(order: Order): Row[] {
  const money = (minor: number) => formatMoney(minor, order.currency);
  const parts: [string, number][] = [
    ["Discount", order.discountMinor],
    ["Shipping", order.shippingMinor],
    [order.taxIncluded ? "Tax included" : "Tax", order.taxMinor],
  ];
  return [
    { label: "Subtotal", amount: money(order.subtotalMinor) },
    ...parts.filter(([, minor]) => minor !== 0).map(([label, minor]) => ({ label, amount: money(minor) })),
    { label: "Total", amount: money(order.totalMinor) },
  ];
}

function addressLines(order: Order): string[] {
  const address = order.shippingAddress;
  if (!address) return [];
  const town = [address.postalCode, address.city].filter(Boolean).join(" ");
  return [address.name, address.line1, address.line2, town, address.country].filter(
    line => line !== undefined,
  );
}

function asText(order: Order, rows: Row[]): string {
  const lines = order.lines.map(
    line => `${line.quantity} × ${line.title}: ${formatMoney(line.totalMinor, order.currency)}`,
  );
  const address = addressLines(order);
  return [
    "Thank you for your order.",
    `Order ${order.number}`,
    lines.join("\n"),
    rows.map(row => `${row.label}: ${row.amount}`).join("\n"),
    ...(address.length > 0 ? [`Ships to:\n${address.join("\n")}`] : []),
  ].join("\n\n");
}

function asHtml(order: Order, rows: Row[]): SafeHtml {
  const lines = order.lines.map(
    line =>
      html`<tr><td>${line.quantity} ×</td><td>${line.title}</td><td align="right">${formatMoney(line.totalMinor, order.currency)}</td></tr>`,
  );
  const totals = rows.map(
    row => html`<tr><td></td><td>${row.label}</td><td align="right">${row.amount}</td></tr>`,
  );
  const address = addressLines(order).map(line => html`${line}<br>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Order ${order.number}</title></head>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: auto">
<h1>Thank you for your order</h1>
<p>Order <strong>${order.number}</strong></p>
<table width="100%" cellpadding="6">${lines}${totals}</table>
${address.length > 0 ? html`<h2>Ships to</h2><p>${address}</p>` : ""}
</body></html>`;
}

export function orderConfirmation(order: Order): Content {
  const rows = totalRows(order);
  return {
    subject: `Your order ${order.number}`,
    text: asText(order, rows),
    html: asHtml(order, rows).html,
  };
}
