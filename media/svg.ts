/**
 * Drawings. An SVG is a program for whoever shows it, so it is never served: it is drawn here, in the decoder's process, and
 * served as pixels. The library that draws runs no scripts and loads nothing of the network; given bytes rather than a path,
 * it has no folder from which it would load files either. What is left are documents that grow while they are read, and
 * those are refused before it sees them: declared entities, and nesting that exhausts a stack.
 *
 * The check reads bytes, so it only holds for encodings in which markup is ASCII; others are refused.
 */
import { readFile } from "node:fs/promises";
import type { Size } from "./plan.ts";
import { UnusableImage } from "./unusable.ts";

const MAX_DEPTH = 100;
const encodings = /^(utf-8|us-ascii|iso-8859-1|windows-1252)$/i;

/** The bytes of a drawing that may be drawn. @throws UnusableImage */
export async function safeDrawing(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  const text = bytes.toString("latin1");
  const encoding = /^[^<]*<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)["']/.exec(text)?.[1];
  if (text.includes("\0") || (encoding !== undefined && !encodings.test(encoding))) {
    throw new UnusableImage("unsafe_drawing", "The drawing is not in UTF-8. Save it as UTF-8.");
  }
  if (/<!ENTITY|<!DOCTYPE[^<>[]*\[/i.test(text)) {
    throw new UnusableImage(
      "unsafe_drawing",
      "The drawing declares entities, which could make it grow without end. Export it as plain SVG.",
    );
  }
  if (depthOf(text) > MAX_DEPTH) {
    throw new UnusableImage("unsafe_drawing", `The drawing is nested more than ${MAX_DEPTH} levels deep.`);
  }
  return bytes;
}

const tag = /<(\/?)[A-Za-z_](?:[^<>"']|"[^"]*"|'[^']*')*?(\/?)>/y;
/** What holds no elements, up to its end. */
const passedOver = [
  { from: "<!--", to: "-->" },
  { from: "<![CDATA[", to: "]]>" },
];

/** How deep elements lie in one another at most. Goes forward only, so that no text makes it slow. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (let at = text.indexOf("<"); at !== -1; at = text.indexOf("<", at)) {
    const other = passedOver.find(one => text.startsWith(one.from, at));
    if (other) {
      at = text.indexOf(other.to, at + other.from.length);
      if (at === -1) break;
      continue;
    }
    tag.lastIndex = at;
    const found = tag.exec(text);
    if (found?.[1] === "/") depth--;
    else if (found?.[2] === "") deepest = Math.max(deepest, ++depth);
    at += found ? found[0].length : 1;
  }
  return deepest;
}

/** By how much a drawing of this size is magnified so that it fills the largest size: lines have no pixels to run out of. */
export function scaleOf({ width, height }: { width: number; height: number }, largest: Size): number {
  const scale = Math.min(largest.width / width, largest.height / height);
  return Math.min(1_000, Math.max(1 / 72, scale));
}
