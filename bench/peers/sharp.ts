/**
 * Bare sharp at its best, one process of as many as there are cores: one thread, no cache, decoded once, then the encodes of
 * our plan, written to files. `sharp.ts DIR COUNT PHOTO…`; prints how many it did in which time.
 */
import { join } from "node:path";
import sharp from "sharp";
import { variantPlan } from "../../media/index.ts";

const [dir = ".", count = "1", ...photos] = process.argv.slice(2);
const largest = variantPlan.sizes.at(-1)!;
const encodings = variantPlan.encodings.filter(encoding => encoding.forAlpha !== true);

sharp.concurrency(1);
sharp.cache(false);

async function convert(photo: string): Promise<void> {
  const { data, info } = await sharp(photo, { sequentialRead: true })
    .autoOrient()
    .resize({ width: largest.width, height: largest.height, fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  for (const { format, options } of encodings) {
    for (const size of variantPlan.sizes) {
      const fit = {
        width: size.width,
        height: size.height,
        fit: "inside" as const,
        withoutEnlargement: true,
      };
      const image = sharp(data, { raw }).resize(fit).toFormat(format, options);
      await image.toFile(join(dir, `${process.pid}-${size.name}.${format}`));
    }
  }
}

for (const photo of photos) await convert(photo);
const startedAt = performance.now();
for (let i = 0; i < Number(count); i++) await convert(photos[i % photos.length]!);
console.log(JSON.stringify({ count: Number(count), seconds: (performance.now() - startedAt) / 1_000 }));
