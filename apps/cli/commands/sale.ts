import type { Command, Context, Result } from "../command.ts";

export type SaleView = { on: boolean; since: string | null };

export function saleText({ on, since }: SaleView): string {
  return on ? `sale: on since ${since}; low waits, normal is narrowed, checkouts are admitted` : "sale: off";
}

export const setSale = ({ api }: Context, on: boolean) =>
  api.ops<SaleView>("/sale", { method: "PATCH", json: { on } });

async function change(context: Context, on: boolean): Promise<Result> {
  const json = await setSale(context, on);
  return { json, text: saleText(json) };
}

export const saleCommands: readonly Command[] = [
  {
    path: ["sale", "on"],
    about: "Let low work wait, keep room for high, admit only so many checkouts at once",
    run: context => change(context, true),
  },
  {
    path: ["sale", "off"],
    about: "Undo what `sale on` did; what was set before counts again",
    run: context => change(context, false),
  },
  {
    path: ["sale", "status"],
    about: "Show whether there is a sale",
    async run({ api }) {
      const json = await api.ops<SaleView>("/sale");
      return { json, text: saleText(json) };
    },
  },
];
