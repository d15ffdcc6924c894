import { catalogAttachMedia, done } from "../../bus/index.ts";
import { attachMedia, detachMedia, lockMedia } from "../../commerce/catalog/index.ts";
import { getAsset } from "../../media/index.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { defineJob } from "../handler.ts";

/** Shows a ready asset with its product; stops showing one that is gone, failed, or belongs to no product. */
export const catalogAttachMediaJob = defineJob(catalogAttachMedia, ({ sql }) => ({
  async run(job) {
    const { assetId } = job.payload;
    await transaction(sql, async tx => {
      // Read under the lock: of two runs the later one to write has seen the later state.
      await lockMedia(tx, job.storeId, assetId);
      const asset = await getAsset(tx, job.storeId, assetId);
      const isShown = asset?.status === "ready" && asset.visibility === "public";
      if (!isShown || asset.productId === null) return detachMedia(tx, job, assetId);
      const { productId, placeholder, variants } = asset;
      const media = { assetId, productId, placeholder, variants };
      await attachMedia(tx, job, { ...media, position: asset.position ?? 0, alt: asset.alt ?? "" });
    });
    return done();
  },
}));
