/**
 * Width and height out of the headers of a file, without a decoder: an API node must find out that a picture would
 * decode to gigabytes, and must not run native decoders on bytes of strangers to do so. A decoder later meets the same
 * limit again, whatever these headers claim.
 */
import type { InputFormat } from "./sniff.ts";

export type Dimensions = { width: number; height: number };

/** Reads up to `length` bytes from `offset`; fewer at the end of the file. */
type Read = (offset: number, length: number) => Promise<Buffer>;
type Reader = (read: Read) => Promise<Dimensions | null>;

/** The dimensions of all that is stored in a frame (before rotation); null when the headers are broken. */
export async function dimensionsOf(format: InputFormat, blob: Blob): Promise<Dimensions | null> {
  const read: Read = async (offset, length) =>
    Buffer.from(await blob.slice(offset, offset + length).arrayBuffer());
  try {
    const found = await readers[format](read);
    return found && found.width > 0 && found.height > 0 ? found : null;
  } catch (error) {
    // Reading behind the end of a truncated file.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const png: Reader = async read => {
  const head = await read(0, 24);
  if (head.toString("latin1", 12, 16) !== "IHDR") return null;
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
};

const gif: Reader = async read => {
  const head = await read(0, 10);
  return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
};

/** https://developers.google.com/speed/webp/docs/riff_container */
const webp: Reader = async read => {
  const head = await read(0, 30);
  switch (head.toString("latin1", 12, 16)) {
    case "VP8X":
      return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    case "VP8L": {
      const bits = head.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8 ":
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    default:
      return null;
  }
};

const MAX_JPEG_SEGMENTS = 1_000;
/** Start-of-frame markers C0–CF without DHT (C4), JPG (C8) and DAC (CC). */
const isStartOfFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

const jpeg: Reader = async read => {
  for (let offset = 2, count = 0; count < MAX_JPEG_SEGMENTS; count++) {
    const segment = await read(offset, 9);
    if (segment.readUInt8(0) !== 0xff) return null;
    const marker = segment.readUInt8(1);
    if (marker === 0xff) offset += 1;
    else if (isStartOfFrame(marker)) {
      return { width: segment.readUInt16BE(7), height: segment.readUInt16BE(5) };
    } else if (marker === 0xd9 || marker === 0xda) return null;
    else offset += 2 + segment.readUInt16BE(2);
  }
  return null;
};

const WIDTH_TAG = 256;
const HEIGHT_TAG = 257;
const SHORT = 3;

/** The first image file directory (TIFF 6.0, section 2). */
const tiff: Reader = async read => {
  const head = await read(0, 8);
  const little = head.toString("latin1", 0, 2) === "II";
  const u16 = (from: Buffer, offset: number) =>
    little ? from.readUInt16LE(offset) : from.readUInt16BE(offset);
  const u32 = (from: Buffer, offset: number) =>
    little ? from.readUInt32LE(offset) : from.readUInt32BE(offset);
  const directory = u32(head, 4);
  const count = u16(await read(directory, 2), 0);
  const entries = await read(directory + 2, count * 12);
  const found = { width: 0, height: 0 };
  for (let offset = 0; offset < count * 12; offset += 12) {
    const tag = u16(entries, offset);
    const value = u16(entries, offset + 2) === SHORT ? u16(entries, offset + 8) : u32(entries, offset + 8);
    if (tag === WIDTH_TAG) found.width = value;
    if (tag === HEIGHT_TAG) found.height = value;
  }
  return found;
};

const AVIF_HEADER_BYTES = 64 * 1024;

/** The largest `ispe` property (ISO/IEC 23008-12, 6.5.3): the picture, not its tiles, alpha or thumbnail. */
const avif: Reader = async read => {
  const head = await read(0, AVIF_HEADER_BYTES);
  let largest: Dimensions | null = null;
  for (let i = head.indexOf("ispe"); i !== -1 && i + 16 <= head.length; i = head.indexOf("ispe", i + 4)) {
    const found = { width: head.readUInt32BE(i + 8), height: head.readUInt32BE(i + 12) };
    if (!largest || found.width * found.height > largest.width * largest.height) largest = found;
  }
  return largest;
};

/** It has no pixels of its own; how it is drawn is the decoder's decision (svg.ts). */
const svg: Reader = async () => ({ width: 1, height: 1 });

const readers: Readonly<Record<InputFormat, Reader>> = { png, gif, webp, jpeg, tiff, avif, svg };
