import { catalogImport, discard, done } from "../../bus/index.ts";
import { runImport } from "../../commerce/imports/index.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { defineJob } from "../handler.ts";

/** Reads an uploaded product file into the catalog. A file that can't be read is an answer, not a failed job. */
export const catalogImportJob = defineJob(catalogImport, ({ sql, config }) => {
  const deps = { sql, storage: openStorage(config) };
  return {
    async run(job, { signal, log, progress }) {
      const { importId } = job.payload;
      const onRows = (done: number) => progress({ done, note: "rows" });
      const result = await runImport({ ...deps, onRows }, job, importId, signal);
      if (result === "failed") log.warn({ importId }, "the product file could not be read");
      return result === "gone" ? discard({ reason: "there is no such import" }) : done();
    },
  };
});
