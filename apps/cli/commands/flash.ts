import { type Command, type Context, type Result, textOption } from "../command.ts";

type FlashView = { on: boolean; variants: string[] };

function show(view: FlashView): Result {
  const variants = view.variants.length > 0 ? `\nvariants: ${view.variants.join(", ")}` : "";
  return { json: view, text: `flash mode of the store: ${view.on ? "on" : "off"}${variants}` };
}

async function change(context: Context, on: boolean): Promise<Result> {
  const variantId = textOption(context, "variant");
  const json = { on, ...(variantId && { variantId }) };
  return show(await context.api.admin<FlashView>("/flash", { method: "PATCH", json }));
}

const options = {
  variant: { type: "string", value: "ID", about: "only this variant; default: the whole store" },
} as const;

export const flashCommands: readonly Command[] = [
  {
    path: ["flash", "on"],
    about: "Queue checkouts and give out stock in the order they came",
    options,
    run: context => change(context, true),
  },
  {
    path: ["flash", "off"],
    about: "Check out directly again; what is queued is still served",
    options,
    run: context => change(context, false),
  },
  {
    path: ["flash", "status"],
    about: "Show what is in flash mode",
    run: async ({ api }) => show(await api.admin<FlashView>("/flash")),
  },
];
