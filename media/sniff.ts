/** What a file is, by its first bytes. Names and declared types are the client's word and decide nothing. */

export type InputFormat = "jpeg" | "png" | "gif" | "webp" | "avif" | "tiff" | "svg";

/** Bytes that {@link sniff} looks at. */
export const SNIFF_BYTES = 64;
/** The same for text: the root element of an SVG may stand behind a declaration, a document type and comments. */
export const SNIFF_TEXT_BYTES = 2_048;

type Signature = { format: InputFormat; matches: (head: Buffer) => boolean };

const at = (offset: number, hex: string) => {
  const mark = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return (head: Buffer) => head.subarray(offset, offset + mark.length).equals(mark);
};
const text = (offset: number, mark: string) => at(offset, Buffer.from(mark, "latin1").toString("hex"));
const isFileType = text(4, "ftyp");

/** Major and compatible brands of an ISO media file (ISO/IEC 14496-12, 4.3). */
function brands(head: Buffer): string[] {
  const end = Math.min(head.readUInt32BE(0), head.length);
  const found = [];
  for (let i = 8; i + 4 <= end; i += i === 8 ? 8 : 4) found.push(head.toString("latin1", i, i + 4));
  return found;
}

const signatures: readonly Signature[] = [
  { format: "jpeg", matches: at(0, "ff d8 ff") },
  { format: "png", matches: at(0, "89 50 4e 47 0d 0a 1a 0a") },
  { format: "gif", matches: head => text(0, "GIF87a")(head) || text(0, "GIF89a")(head) },
  { format: "webp", matches: head => text(0, "RIFF")(head) && text(8, "WEBP")(head) },
  { format: "tiff", matches: head => at(0, "49 49 2a 00")(head) || at(0, "4d 4d 00 2a")(head) },
  {
    format: "avif",
    matches: head => isFileType(head) && brands(head).some(brand => brand === "avif" || brand === "avis"),
  },
  { format: "svg", matches: isSvg },
];

const BOM = "\u00ef\u00bb\u00bf";
const prolog = /^\s*(?:<\?xml\b[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE\s+svg\b[^>[]*(?:\[[\s\S]*?\]\s*)?>|\s+)*/;

/** Whether it begins like a markup document; {@link SNIFF_TEXT_BYTES} tell which. */
export function isMarkup(head: Uint8Array): boolean {
  return textOf(head).trimStart().startsWith("<");
}

function textOf(head: Uint8Array): string {
  const all = Buffer.from(head.subarray(0, SNIFF_TEXT_BYTES)).toString("latin1");
  return all.startsWith(BOM) ? all.slice(BOM.length) : all;
}

/** An SVG whose root is the SVG namespace's own `svg`, without a prefix. */
function isSvg(head: Buffer): boolean {
  const all = textOf(head);
  return /^<svg[\s>/]/.test(all.slice(prolog.exec(all)?.[0].length ?? 0));
}

const strangers: readonly { name: string; matches: (head: Buffer) => boolean }[] = [
  { name: "a Windows program", matches: text(0, "MZ") },
  { name: "a Linux program", matches: at(0, "7f 45 4c 46") },
  { name: "a macOS program", matches: head => at(0, "cf fa ed fe")(head) || at(0, "ca fe ba be")(head) },
  { name: "a script", matches: text(0, "#!") },
  { name: "a PDF document", matches: text(0, "%PDF") },
  { name: "a ZIP archive", matches: text(0, "PK\x03\x04") },
  { name: "HEIC or a video; export it as JPEG", matches: isFileType },
  { name: "an XML or HTML document", matches: isMarkup },
  { name: "a compressed file", matches: at(0, "1f 8b") },
];

/** The format of a picture that we take, or null. */
export function sniff(head: Uint8Array): InputFormat | null {
  const bytes = Buffer.from(head);
  if (bytes.length < 12) return null;
  return signatures.find(signature => signature.matches(bytes))?.format ?? null;
}

/** What else it seems to be, for the refusal; undefined when nothing known. */
export function strangerOf(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head);
  return strangers.find(stranger => stranger.matches(bytes))?.name;
}
