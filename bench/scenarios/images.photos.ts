/** Pictures as a camera would make them: detail everywhere, none of it regular. Made, so that the bench needs no files. */
import sharp from "sharp";

/** About 6 MP, as most photographs of products are. */
export const photograph = () => make(2_725, 2_225);
export const largePhotograph = () => make(6_000, 4_000);
export const smallPhotograph = () => make(600, 450);

/** Clouds of noise at several scales, which compress like a photograph: about a bit a pixel at this quality. */
async function make(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const layer = (edge: number) =>
    sharp({
      create: {
        width: edge,
        height: edge,
        channels: 3,
        background: "#808080",
        noise: { type: "gaussian", mean: 128, sigma: 50 },
      },
    })
      .resize({ width, height, fit: "fill", kernel: "cubic" })
      .png({ compressionLevel: 0 })
      .toBuffer();
  const [coarse, middle, fine] = [await layer(12), await layer(80), await layer(600)];
  const image = await sharp(coarse)
    .composite([
      { input: middle, blend: "overlay" },
      { input: fine, blend: "soft-light" },
    ])
    .jpeg({ quality: 85 })
    .toBuffer();
  return new Uint8Array(image);
}
