/** What is sold: plenty of some variants, few of others so that they sell out, and some in flash mode. */
import { join } from "node:path";
import { poll } from "../poll.ts";
import type { Stack } from "../stack.ts";

export type Stocked = { readonly id: string; readonly sku: string; readonly initial: number };
export type Shop = { readonly plenty: Stocked[]; readonly scarce: Stocked[]; readonly flash: Stocked[] };

const PLANS = {
  plenty: { count: 4, initial: 100_000 },
  scarce: { count: 3, initial: 40 },
  flash: { count: 2, initial: 150 },
} as const;

const HEADER =
  "Handle,Title,Vendor,Variant SKU,Variant Price,Variant Inventory Qty,Variant Inventory Tracker,Option1 Name,Option1 Value,Status";

export function row(handle: string, quantity: number): string {
  return `${handle},${handle},Crash,${handle.toUpperCase()},10.00,${quantity},shopify,Title,Default Title,active`;
}

export function csv(rows: readonly string[]): string {
  return `${[HEADER, ...rows].join("\n")}\n`;
}

export async function stockShop(stack: Stack): Promise<Shop> {
  const wanted = Object.entries(PLANS).flatMap(([group, { count, initial }]) =>
    Array.from({ length: count }, (_, i) => ({ group, handle: `${group}-${i}`, initial })),
  );
  const file = join(stack.home, "shop.csv");
  await Bun.write(file, csv(wanted.map(({ handle, initial }) => row(handle, initial))));
  const form = new FormData();
  form.set("file", Bun.file(file), "shop.csv");
  const { id } = await stack.api.admin<{ id: string }>("POST", "/admin/imports", form);
  await poll("the shop's import", 30_000, async () => {
    const now = await stack.api.admin<{ status: string }>("GET", `/admin/imports/${id}`);
    return now.status === "done";
  });
  const shop: Shop = { plenty: [], scarce: [], flash: [] };
  for (const { group, handle, initial } of wanted) {
    const path = `/store/products/${handle}`;
    const { variants } = await stack.api.store<{ variants: { id: string; sku: string }[] }>("GET", path);
    shop[group as keyof Shop].push({ id: variants[0]!.id, sku: variants[0]!.sku, initial });
  }
  for (const { id } of shop.flash)
    await stack.api.admin("PATCH", "/admin/flash", { on: true, variantId: id });
  return shop;
}
