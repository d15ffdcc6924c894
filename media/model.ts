import type { OutputFormat } from "./plan.ts";
import type { InputFormat } from "./sniff.ts";

/**
 * processing → ready | failed; failed → processing when it is retried, or the same bytes are uploaded again. `ready` is what
 * can be shown; {@link Asset.complete} says that nothing more is being made.
 */
export type AssetStatus = "processing" | "ready" | "failed";

/** Files of private assets are served to signed URLs only. */
export type Visibility = "public" | "private";

export type AssetVariant = {
  /** The size's name in the plan. */
  readonly name: string;
  readonly format: OutputFormat;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Whether it moves: a front end that shows a moving picture must choose such a variant. */
  readonly animated: boolean;
  /** A path (`/media/…`) whose content never changes. */
  readonly url: string;
};

export type Asset = {
  readonly id: string;
  readonly storeId: string;
  readonly status: AssetStatus;
  /** Whether it has all its variants; until then it is being worked on, unless it failed. */
  readonly complete: boolean;
  /** Which run of the work may write; see store.ts. */
  readonly edition: number;
  readonly visibility: Visibility;
  /** What crops keep, in fractions of width and height; null: what catches the eye. */
  readonly focalPoint: { readonly x: number; readonly y: number } | null;
  /** Lower-case hex of the original. */
  readonly sha256: string;
  /** Format and bytes of the original; its size in pixels, upright, is known when it is ready. */
  readonly format: InputFormat;
  readonly bytes: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly animated: boolean;
  /** The client's name of the file; for people. */
  readonly filename: string | null;
  readonly alt: string | null;
  /** A ThumbHash in base64 (https://evanw.github.io/thumbhash/). */
  readonly placeholder: string | null;
  /** The dominant colour, `#rrggbb`. */
  readonly colour: string | null;
  /** The product that shows it, and its place among that product's pictures. */
  readonly productId: string | null;
  readonly position: number | null;
  /** In the order they are made; while it is processing, those that are ready so far. */
  readonly variants: AssetVariant[];
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Grows with every change. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What the decoder found out about a picture besides its variants. */
export type Look = {
  readonly width: number;
  readonly height: number;
  readonly animated: boolean;
  readonly placeholder: string;
  readonly colour: string;
};

/** A finished file of one encoding; `names` are the sizes that it serves. */
export type MadeVariant = {
  readonly names: readonly string[];
  readonly format: OutputFormat;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly animated: boolean;
  readonly sha256: string;
};

/** Why a picture can't be used, for the merchant. */
export type Refusal = { readonly code: string; readonly message: string };
