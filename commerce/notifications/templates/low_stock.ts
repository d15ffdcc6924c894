import type { LowStock } from "../../inventory/index.ts";
import type { Content } from "../model.ts";
import { html } from "./html.ts";

export function lowStock(low: LowStock): Content {
  const what = low.title ?? low.variantId;
  const sku = low.sku === null ? "" : ` (${low.sku})`;
  const told = `${low.available} left at ${low.location}; you asked to be told at ${low.threshold}.`;
  return {
    subject: `Low stock: ${what}`,
    text: `${what}${sku}\n\n${told}`,
    html: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Low stock</title></head>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: auto">
<h1>${what}${sku}</h1>
<p>${told}</p>
</body></html>`.html,
  };
}
