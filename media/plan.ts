/**
 * What is made of a photograph: every size in every format. The tables are the policy; the code obeys them.
 *
 * Sizes fit into their box with proportions kept. A picture is never enlarged: for one that is smaller than a size, the
 * variant of that name is the picture in its own size, and names that come to the same pixels share one file. So every
 * asset has all names, and a front end needs no case for small pictures.
 */
import type { Visibility } from "./model.ts";

export type Size = {
  readonly name: string;
  /** Widths go into `srcset` as they are. */
  readonly width: number;
  /** Bounds very tall pictures; twice the width leaves a phone's portrait its full width (and WebP ends at 16,383). */
  readonly height: number;
  /** Fills its box instead of fitting into it: around the focal point, or what catches the eye. Shows the first frame. */
  readonly crop?: boolean;
};

export type OutputFormat = "webp" | "avif" | "jpeg" | "png";

export type Encoding = {
  readonly format: OutputFormat;
  /** Options of sharp's encoder of that format. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Only for pictures with (true) or without (false) transparency. */
  readonly forAlpha?: boolean;
  /** Made first: with these an asset can be shown. */
  readonly first?: boolean;
  /** Keeps the frames of a moving picture; other formats show its first frame. */
  readonly moves?: boolean;
};

export type Plan = { readonly sizes: readonly Size[]; readonly encodings: readonly Encoding[] };

export const variantPlan: Plan = {
  sizes: [
    { name: "300", width: 300, height: 600 },
    { name: "800", width: 800, height: 1600 },
    { name: "1920", width: 1920, height: 3840 },
  ],
  // In the order they are made: WebP is quick and every browser shows it; JPEG or PNG is for mail and old clients; AVIF is
  // a third smaller and takes three times as long (effort 2; 4 takes seven times longer for 3 % of the bytes).
  encodings: [
    { format: "webp", options: { quality: 80, effort: 4 }, moves: true, first: true },
    { format: "jpeg", options: { quality: 80, progressive: true }, forAlpha: false },
    { format: "png", options: { compressionLevel: 9 }, forAlpha: true },
    { format: "avif", options: { quality: 50, effort: 2, chromaSubsampling: "4:2:0" } },
  ],
};

export const limits = {
  /** Pixels of a picture, all frames together; what decodes to more is refused before it is decoded. */
  maxPixels: 50_000_000,
  /** Frames of a moving picture. */
  maxFrames: 2_000,
  /** A drawing's file; what is larger is mostly a photograph in disguise. */
  maxSvgBytes: 2_000_000,
  /** How long the decoder's process may run, without what a busy machine keeps it waiting; on an idle one it is met before the job's time-out. */
  decoderDeadlineMs: 60_000,
  /** Memory of the decoder's process. 50 million pixels in 16 bits with alpha are 400 MB, and are spilled to disk. */
  decoderMemoryBytes: 768 * 2 ** 20,
} as const;

const extensions: Readonly<Record<OutputFormat, string>> = {
  webp: "webp",
  avif: "avif",
  jpeg: "jpg",
  png: "png",
};

/** The type a variant is served with, by the extension of its name; the only types we ever serve. */
export const mediaTypes: Readonly<Record<string, string>> = {
  webp: "image/webp",
  avif: "image/avif",
  jpg: "image/jpeg",
  png: "image/png",
};

/** Originals are kept for making other variants, and never served. */
export function originalKey(sha256: string): string {
  return `original/${sha256.slice(0, 2)}/${sha256}`;
}

/** Variants are found by what is in them, which makes their URLs immutable. */
export function variantKey(sha256: string, format: OutputFormat, visibility: Visibility = "public"): string {
  return keyOfFile(`${sha256}.${extensions[format]}`, visibility);
}

/**
 * The key of a file name as it stands in a variant's URL. Private files lie apart: the same picture may be public in another
 * store, and then its public name leads to that one's file and never to this one's.
 */
export function keyOfFile(file: string, visibility: Visibility = "public"): string {
  return `${visibility === "private" ? "private" : "variant"}/${file.slice(0, 2)}/${file}`;
}

/** The path of a variant; that of a private one wants a signature (signing.ts). */
export function urlOfKey(key: string): string {
  return `/media/${key.startsWith("private/") ? "private/" : ""}${fileOfKey(key)}`;
}

export function fileOfKey(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

/** Variants of a finished asset; for progress. */
export const variantCount =
  variantPlan.sizes.length * variantPlan.encodings.filter(encoding => encoding.forAlpha !== true).length;
