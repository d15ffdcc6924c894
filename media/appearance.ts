/** How a picture looks before it is loaded: a ThumbHash and its dominant colour. */
import { rgbaToThumbHash } from "thumbhash";
import type { Look } from "./model.ts";

/** ThumbHash takes 100 × 100 pixels at most; for a colour they are enough too. */
export const APPEARANCE_EDGE = 100;

/** @param rgba pixels of 8 bits a channel, not premultiplied. */
export function appearanceOf(
  rgba: Uint8Array,
  width: number,
  height: number,
): Pick<Look, "placeholder" | "colour"> {
  return {
    placeholder: Buffer.from(rgbaToThumbHash(width, height, rgba)).toString("base64"),
    colour: dominantColour(rgba),
  };
}

/** The mean of the pixels in the fullest of 16³ bins of colours; pixels count as much as they are opaque. */
function dominantColour(rgba: Uint8Array): string {
  const bins = new Map<number, { weight: number; r: number; g: number; b: number }>();
  for (let i = 0; i < rgba.length; i += 4) {
    const [r, g, b, a] = [rgba[i]!, rgba[i + 1]!, rgba[i + 2]!, rgba[i + 3]!];
    const key = ((r >> 4) << 8) | ((g >> 4) << 4) | (b >> 4);
    const bin = bins.get(key) ?? { weight: 0, r: 0, g: 0, b: 0 };
    bins.set(key, { weight: bin.weight + a, r: bin.r + r * a, g: bin.g + g * a, b: bin.b + b * a });
  }
  const fullest = [...bins.values()].reduce((best, bin) => (bin.weight > best.weight ? bin : best));
  const hex = (sum: number) =>
    Math.round(sum / Math.max(1, fullest.weight))
      .toString(16)
      .padStart(2, "0");
  return `#${hex(fullest.r)}${hex(fullest.g)}${hex(fullest.b)}`;
}
