import { createStore, listStores } from "../../../commerce/stores/index.ts";
import { type Command, textOption } from "../command.ts";
import { withDatabase } from "../database.ts";
import { table } from "../table.ts";

const MAX_LISTED = 1_000;

export const storeCommands: readonly Command[] = [
  {
    path: ["stores", "create"],
    args: ["NAME"],
    about: "Create a store",
    options: { currency: { type: "string", value: "CODE", about: "its currency, ISO 4217 (EUR)" } },
    run: context =>
      withDatabase(context, async sql => {
        const currency = textOption(context, "currency") ?? "EUR";
        const store = await createStore(sql, { name: context.args[0]!, currency });
        const next = `keys: bun run tradewind keys create --kind publishable --store ${store.id}`;
        return { json: store, text: `${store.id}  ${store.name}  ${store.currency}\n${next}` };
      }),
  },
  {
    path: ["stores", "list"],
    about: "List the stores, oldest first",
    run: context =>
      withDatabase(context, async sql => {
        const items = await listStores(sql, { limit: MAX_LISTED });
        const rows = items.map(one => [one.id, one.name, one.currency, one.createdAt.toISOString()]);
        return { json: { items }, text: table(["id", "name", "currency", "created"], rows, "no stores") };
      }),
  },
];
