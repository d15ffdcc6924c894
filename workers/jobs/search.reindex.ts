import { discard, done, fail, searchReindex } from "../../bus/index.ts";
import { countProducts, productIdsAfter } from "../../commerce/catalog/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { getStore } from "../../commerce/stores/index.ts";
import { openMeilisearch, runReindex } from "../../search/index.ts";
import { defineJob } from "../handler.ts";

/** Makes a store's index anew, from the checkpoint of the try before. */
export const searchReindexJob = defineJob(searchReindex, ({ config, sql }) => {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  const deps = { sql, engine, products: searchSources, productIds: productIdsAfter, countProducts };
  return {
    async run({ storeId, payload }, { signal, progress }) {
      if (!(await getStore(sql, storeId))) return discard({ reason: "there is no such store" });
      const onProducts = (count: number, total: number) => progress({ done: count, total, note: "products" });
      const ended = await runReindex(deps, storeId, payload.buildId, { signal, onProducts });
      if (ended.type === "failed") return fail({ error: ended.error });
      if (ended.type === "unknown") return discard({ reason: "there is no such reindex" });
      return ended.type === "done" ? done() : discard({ reason: "another process has taken it on" });
    },
  };
});
