import { seedProducts } from "../../../commerce/demo/index.ts";
import { getStore, listStores } from "../../../commerce/stores/index.ts";
import { CliError, type Command, integerOption, textOption } from "../command.ts";
import { withDatabase } from "../database.ts";
import { createProgress } from "../progress.ts";

const MAX_PRODUCTS = 1_000_000;

export const seedCommand: Command = {
  path: ["seed"],
  about: "Fill a store with products for load tests; the same ones each time",
  options: {
    products: { type: "string", value: "N", about: "how many (1000)" },
    store: { type: "string", value: "ID", about: "of this store; else of the oldest one" },
  },
  run: context =>
    withDatabase(context, async sql => {
      const count = integerOption(context, "products", 1, MAX_PRODUCTS) ?? 1_000;
      const storeId = textOption(context, "store");
      const store = storeId ? await getStore(sql, storeId) : (await listStores(sql, { limit: 1 }))[0];
      if (!store) throw new CliError("there is no such store: see `tradewind stores list`", "not_found");
      const progress = createProgress(context, "seeding");
      try {
        await seedProducts(sql, store, count, {
          onProducts: done => progress.update(done, count, `${done} of ${count} products`),
        });
      } finally {
        progress.end();
      }
      const json = { storeId: store.id, products: count };
      return { json, text: `${count} products in ${store.id}; lists and search follow` };
    }),
};
