/** A picture in a frame of fixed shape; its blurred placeholder and colour stand there until it has loaded. */
import { useState } from "preact/hooks";
import type { Asset } from "../state/wire.ts";
import { Icon } from "./icon.tsx";

type Source = { name: string; format?: string | null; width: number | null; url: string };

/** The smallest that fills the frame, in a format that every browser shows. */
export function sourceFor(variants: readonly Source[], width: number): string | null {
  const order = ["webp", "jpeg", "png", "avif"];
  const fit = [...variants].sort((a, b) => {
    const [x, y] = [a.width ?? 9_999, b.width ?? 9_999];
    const [short, shorter] = [x < width ? 1 : 0, y < width ? 1 : 0];
    return (
      short - shorter ||
      (short ? y - x : x - y) ||
      order.indexOf(a.format ?? "") - order.indexOf(b.format ?? "")
    );
  });
  return fit[0]?.url ?? null;
}

type PictureProps = {
  variants: readonly Source[];
  alt: string;
  width: number;
  size?: "small" | "whole";
  colour?: string | null;
};

export function Picture({ variants, alt, width, size, colour }: PictureProps) {
  const url = sourceFor(variants, width);
  // A picture that lives elsewhere may be gone.
  const [broken, setBroken] = useState<string | null>(null);
  return (
    <span class="picture" data-size={size} style={colour ? { backgroundColor: colour } : undefined}>
      {url && url !== broken ? (
        <img src={url} alt={alt} loading="lazy" decoding="async" onError={() => setBroken(url)} />
      ) : (
        <>
          <Icon name="media" size={size === "small" ? 16 : 24} />
          {alt && <span class="hidden-text">{alt}</span>}
        </>
      )}
    </span>
  );
}

export const altOf = (asset: Asset) => asset.alt ?? asset.filename ?? "";
