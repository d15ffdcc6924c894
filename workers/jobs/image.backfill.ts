import { discard, done, imageBackfill } from "../../bus/index.ts";
import { runBackfill } from "../../media/index.ts";
import { defineJob } from "../handler.ts";

/** Brings all pictures of a store in line with its sizes, from the checkpoint of the try before. */
export const imageBackfillJob = defineJob(imageBackfill, ({ sql }) => ({
  async run({ storeId, traceparent, payload }, { signal, progress }) {
    const result = await runBackfill(
      sql,
      { storeId, traceparent },
      payload.backfillId,
      signal,
      (done, total) => progress({ done, total, note: "pictures" }),
    );
    return result === "done" ? done() : discard({ reason: "there is no such backfill" });
  },
}));
