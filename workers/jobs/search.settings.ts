import { discard, done, searchSettings } from "../../bus/index.ts";
import { getStore } from "../../commerce/stores/index.ts";
import { applySearchSettings, openMeilisearch } from "../../search/index.ts";
import { defineJob } from "../handler.ts";

/** Brings what a merchant said about search to the engine. */
export const searchSettingsJob = defineJob(searchSettings, ({ config, sql }) => {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  return {
    async run({ storeId }, { signal }) {
      if (!(await getStore(sql, storeId))) return discard({ reason: "there is no such store" });
      await applySearchSettings({ sql, engine }, storeId, signal);
      return done();
    },
  };
});
