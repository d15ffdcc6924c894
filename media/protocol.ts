/**
 * What the decoder's process and its parent say to one another: the task as one line of JSON on stdin, then one line
 * per message on stdout. Stdin stays open; when it ends, the parent is gone and the process ends too.
 */
import type { Look, MadeVariant, Refusal } from "./model.ts";
import type { Plan } from "./plan.ts";
import type { InputFormat } from "./sniff.ts";

export type DecoderTask = {
  readonly input: string;
  readonly format: InputFormat;
  /** Where files are written, each named by its hash. */
  readonly outputDir: string;
  readonly plan: Plan;
  /** Names of the sizes that are to be made; absent: all. */
  readonly only?: readonly string[];
  readonly maxPixels: number;
  readonly maxFrames: number;
  /** What crops keep, in fractions of the upright picture; null or absent: what catches the eye. */
  readonly focalPoint?: { readonly x: number; readonly y: number } | null;
};

export type DecoderMessage =
  | { readonly type: "variant"; readonly variant: MadeVariant }
  /** The variants so far are enough to show it. */
  | { readonly type: "visible"; readonly look: Look }
  /** The last message of a success. */
  | { readonly type: "done"; readonly look: Look }
  /** The last message when the picture itself can't be used; anything else that goes wrong is a crash. */
  | { readonly type: "refused"; readonly refusal: Refusal };
