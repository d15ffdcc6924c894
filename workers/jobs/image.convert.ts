import { discard, done, imageConvert } from "../../bus/index.ts";
import { convertAsset } from "../../media/index.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { defineJob } from "../handler.ts";

/** Makes the variants of an uploaded picture. A picture that can't be used is an answer, not a failed job. */
export const imageConvertJob = defineJob(imageConvert, ({ sql, config }) => {
  const conversion = { sql, storage: openStorage(config) };
  return {
    async run(job, { signal, log }) {
      const result = await convertAsset(conversion, job, job.payload.assetId, {
        attempt: job.attempt,
        signal,
      });
      if (result.type !== "failed") return done();
      const { refusal, detail } = result;
      log.warn({ assetId: job.payload.assetId, code: refusal.code, detail }, "picture can't be used");
      return discard({ reason: `${refusal.code}: ${refusal.message}` });
    },
  };
});
