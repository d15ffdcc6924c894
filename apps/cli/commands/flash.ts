import { type Command, type Context, type Result, textOption } from "../command.ts";
import { type SaleView, saleText, setSale } from "./sale.ts";

type FlashView = {
  on: boolean;
  variants: string[];
  switches: { variantId: string | null; by: "admin" | "load"; until: string | null }[];
};

function show(view: FlashView, sale?: SaleView): Result {
  const variants = view.variants.length > 0 ? `\nvariants: ${view.variants.join(", ")}` : "";
  const text = `flash mode of the store: ${view.on ? "on" : "off"}${variants}`;
  return sale ? { json: { ...view, sale }, text: `${text}\n${saleText(sale)}` } : { json: view, text };
}

/** For the whole store it is the one switch of a flash sale: its checkouts queue, and the deployment makes room. */
async function change(context: Context, on: boolean): Promise<Result> {
  const variantId = textOption(context, "variant");
  const json = { on, ...(variantId && { variantId }) };
  const flash = () => context.api.admin<FlashView>("/flash", { method: "PATCH", json });
  if (variantId || context.options["queue-only"]) return show(await flash());
  const sale = await setSale(context, on);
  return show(await flash(), sale);
}

const options = {
  variant: { type: "string", value: "ID", about: "queue only this variant's checkouts; no sale" },
  "queue-only": { type: "boolean", about: "queue the store's checkouts; leave the sale as it is" },
} as const;

export const flashCommands: readonly Command[] = [
  {
    path: ["flash", "on"],
    about: "Begin a flash sale: queue checkouts in the order they came, and do what `sale on` does",
    options,
    run: context => change(context, true),
  },
  {
    path: ["flash", "off"],
    about: "End it: check out directly again (what is queued is still served), and do what `sale off` does",
    options,
    run: context => change(context, false),
  },
  {
    path: ["flash", "status"],
    about: "Show what is in flash mode",
    run: async ({ api }) => show(await api.admin<FlashView>("/flash")),
  },
];
