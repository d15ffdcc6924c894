import { done, searchCheck } from "../../bus/index.ts";
import { productIdsAfter } from "../../commerce/catalog/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { listStores } from "../../commerce/stores/index.ts";
import { checkIndex, openMeilisearch } from "../../search/index.ts";
import { defineJob } from "../handler.ts";

const STORES = 100;

/** Every store, one after the other. A try that comes again begins anew: a check changes nothing where all is well. */
export const searchCheckJob = defineJob(searchCheck, ({ config, sql }) => {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  const deps = { sql, engine, products: searchSources, productIds: productIdsAfter };
  return {
    async run(_job, { signal, progress, log }) {
      let checked = 0;
      for (let after = ""; ; ) {
        const stores = await listStores(sql, { after, limit: STORES });
        for (const { id } of stores) {
          signal.throwIfAborted();
          const check = await checkIndex(deps, id, { signal });
          const differs = check.stale > 0 || check.repaired > 0;
          log[differs ? "warn" : "info"]({ storeId: id, ...check }, "search index checked");
          progress({ done: ++checked, note: "stores" });
        }
        if (stores.length < STORES) return done();
        after = stores.at(-1)!.id;
      }
    },
  };
});
