/** Which variant goes out for a plain URL: by the size's name and by what the browser says it takes. */
import type { Asset, AssetVariant } from "./model.ts";
import type { OutputFormat } from "./plan.ts";

/** What is best first; the last two are what every client takes. */
const preference: readonly OutputFormat[] = ["avif", "webp", "jpeg", "png"];
const MAX_ACCEPT = 2_000;

/**
 * @param accept the header; formats that it does not name are not chosen, for clients without AVIF say `image/*` too.
 * @returns null when the asset has no variant of this name.
 */
export function chooseVariant(asset: Asset, name: string, accept: string | null): AssetVariant | null {
  const named = asset.variants.filter(variant => variant.name === name);
  const weights = weightsOf(accept);
  const takes = (variant: AssetVariant) => weights.get(`image/${variant.format}`) ?? 0;
  const everybody = (variant: AssetVariant) => variant.format === "jpeg" || variant.format === "png";
  const moving = named.filter(variant => variant.animated && takes(variant) > 0);
  const [best] = (moving.length > 0 ? moving : named)
    .filter(variant => takes(variant) > 0)
    .sort((a, b) => takes(b) - takes(a) || preference.indexOf(a.format) - preference.indexOf(b.format));
  return best ?? named.find(everybody) ?? named[0] ?? null;
}

/** The size that shows a declared one which is not made yet: the smallest that is as wide, else the widest. */
export function standIn(asset: Asset, width: number): string | null {
  const sorted = asset.variants.toSorted((a, b) => a.width - b.width);
  return (sorted.find(variant => variant.width >= width) ?? sorted.at(-1))?.name ?? null;
}

function weightsOf(accept: string | null): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of (accept ?? "").slice(0, MAX_ACCEPT).split(",")) {
    const [type = "", ...parameters] = part.split(";").map(one => one.trim().toLowerCase());
    const quality = parameters.find(one => one.startsWith("q="))?.slice(2);
    const weight = quality === undefined ? 1 : Number(quality);
    if (type) weights.set(type, Number.isFinite(weight) ? weight : 0);
  }
  return weights;
}
