/** Pictures as a camera would make them: detail everywhere, none of it regular. Made, so that the bench needs no files. */
import sharp from "sharp";

/** About 6 MP, as most photographs of products are. */
export const photograph = () => make(2_725, 2_225);
export const largePhotograph = () => make(6_000, 4_000);
export const smallPhotograph = () => make(600, 450);

const GRAIN_EDGE = 400;

/**
 * Clouds of noise at several scales, and the grain of a sensor over all of it: it compresses like a camera's own JPEG, to
 * some 0.6 bytes a pixel (14 MB of 24 MP).
 */
async function make(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const noise = (edge: number) =>
    sharp({
      create: {
        width: edge,
        height: edge,
        channels: 3,
        background: "#808080",
        noise: { type: "gaussian", mean: 128, sigma: 50 },
      },
    });
  const layer = (edge: number) =>
    noise(edge)
      .resize({ width, height, fit: "fill", kernel: "cubic" })
      .png({ compressionLevel: 0 })
      .toBuffer();
  const [coarse, middle, fine] = [await layer(12), await layer(80), await layer(600)];
  const grain = await noise(GRAIN_EDGE).png({ compressionLevel: 0 }).toBuffer();
  const image = await sharp(coarse)
    .composite([
      { input: middle, blend: "overlay" },
      { input: fine, blend: "soft-light" },
      { input: grain, blend: "soft-light", tile: true },
    ])
    .jpeg({ quality: 92 })
    .toBuffer();
  return new Uint8Array(image);
}
