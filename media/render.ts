/**
 * From an untrusted file to its variants, inside the decoder's process. The file is decoded once, into raw sRGB pixels
 * no larger than the largest size; every variant is made from those. So nothing of the original's metadata can reach a
 * variant, and only the first step deals with bytes of strangers: what fails there is the picture's fault
 * ({@link UnusableImage}), what fails later is ours.
 */
import { join } from "node:path";
import sharp, { type Metadata, type Sharp } from "sharp";
import { APPEARANCE_EDGE, appearanceOf } from "./appearance.ts";
import { crop, croppedSize } from "./crop.ts";
import type { Look, MadeVariant } from "./model.ts";
import type { Encoding, Size } from "./plan.ts";
import type { DecoderMessage, DecoderTask } from "./protocol.ts";
import type { InputFormat } from "./sniff.ts";
import { safeDrawing, scaleOf } from "./svg.ts";
import { UnusableImage } from "./unusable.ts";

/** Pixels of all frames, one under the other. */
type Pixels = {
  readonly data: Buffer;
  readonly raw: { width: number; height: number; channels: 1 | 2 | 3 | 4; pageHeight?: number };
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  /** Frames' delays in milliseconds and the number of loops; undefined for a still picture. */
  readonly motion: { delay: number[]; loop: number } | undefined;
};

const loaders: Readonly<Record<InputFormat, string>> = {
  jpeg: "VipsForeignLoadJpeg",
  png: "VipsForeignLoadPng",
  gif: "VipsForeignLoadNsgif",
  webp: "VipsForeignLoadWebp",
  avif: "VipsForeignLoadHeif",
  tiff: "VipsForeignLoadTiff",
  svg: "VipsForeignLoadSvg",
};

/** One thread, no caches, and no loader but the one for the format that the first bytes show. */
export function confine(format: InputFormat): void {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: [loaders[format]] });
}

export async function* render(task: DecoderTask): AsyncGenerator<DecoderMessage, void> {
  const { source, pixels } = await decode(task);
  const look = await lookOf(task, source, pixels);
  const encodings = task.plan.encodings.filter(
    ({ forAlpha }) => forAlpha === undefined || forAlpha === pixels.alpha,
  );
  const sizes = task.plan.sizes.filter(({ name }) => task.only?.includes(name) ?? true);
  for (const [index, encoding] of encodings.entries()) {
    for (const distinct of distinctSizes(pixels, sizes)) {
      yield { type: "variant", variant: await encode(task, pixels, encoding, distinct) };
    }
    if (encoding.first && !encodings[index + 1]?.first) yield { type: "visible", look };
  }
  yield { type: "done", look };
}

async function lookOf(task: DecoderTask, source: Metadata, pixels: Pixels): Promise<Look> {
  // A drawing has the size that it was drawn at.
  const { width, height } = task.format === "svg" ? pixels : source.autoOrient;
  const frameHeight = source.pageHeight ?? height;
  const animated = pixels.motion !== undefined;
  return { width, height: frameHeight, animated, ...(await appearance(pixels)) };
}

async function decode(task: DecoderTask): Promise<{ source: Metadata; pixels: Pixels }> {
  try {
    const input = task.format === "svg" ? await safeDrawing(task.input) : task.input;
    const source = await inspect(task, input);
    return { source, pixels: await readPixels(task, input, source) };
  } catch (error) {
    if (error instanceof UnusableImage) throw error;
    const what = "The picture is damaged or cut off. Export it once more and upload it again";
    throw new UnusableImage("unreadable", `${what} (${complaint(error, task.input)}).`);
  }
}

/** Reads the header only, and holds it against the limits. */
async function inspect(task: DecoderTask, file: string | Buffer): Promise<Metadata> {
  const source = await sharp(file, { limitInputPixels: false }).metadata();
  const frames = isMoving(source) ? source.pages! : 1;
  if (frames > task.maxFrames) {
    throw new UnusableImage("too_many_frames", `It has ${frames} frames; the limit is ${task.maxFrames}.`);
  }
  const pixels = source.width * (source.pageHeight ?? source.height) * frames;
  if (pixels > task.maxPixels) {
    const millions = (count: number) => Math.round(count / 1e5) / 10;
    throw new UnusableImage(
      "too_many_pixels",
      `It has ${millions(pixels)} million pixels, all frames counted; the limit is ${millions(task.maxPixels)} million.`,
    );
  }
  return source;
}

/** Pages of other formats (TIFF) are no animation. */
function isMoving(source: Metadata): boolean {
  return (source.format === "gif" || source.format === "webp") && (source.pages ?? 1) > 1;
}

async function readPixels(task: DecoderTask, file: string | Buffer, source: Metadata): Promise<Pixels> {
  const moving = isMoving(source);
  const largest = task.plan.sizes.findLast(size => !size.crop)!;
  const input = sharp(file, {
    failOn: "error",
    limitInputPixels: task.maxPixels,
    sequentialRead: true,
    animated: moving,
    ...(task.format === "svg" ? { density: scaleOf(source, largest) * 72 } : {}),
  });
  // Frames can't be turned, and the formats that move are not made by cameras.
  const { data, info } = await (moving ? input : input.autoOrient())
    .resize({ width: largest.width, height: largest.height, fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pageHeight = moving ? info.pageHeight : undefined;
  return {
    data,
    raw: {
      width: info.width,
      height: info.height,
      channels: info.channels as 1 | 2 | 3 | 4,
      ...(pageHeight ? { pageHeight } : {}),
    },
    width: info.width,
    height: pageHeight ?? info.height,
    alpha: info.channels % 2 === 0 && !isOpaque(data, info.channels),
    motion: moving ? { delay: source.delay ?? [], loop: source.loop ?? 0 } : undefined,
  };
}

function isOpaque(data: Buffer, channels: number): boolean {
  for (let i = channels - 1; i < data.length; i += channels) if (data[i] !== 255) return false;
  return true;
}

type DistinctSize = { names: string[]; size: { width: number; height: number }; crop: boolean };

/** The pixels that each size comes to; sizes that come to the same are made once. */
function distinctSizes(pixels: Pixels, sizes: readonly Size[]): DistinctSize[] {
  const distinct: DistinctSize[] = [];
  for (const size of sizes) {
    const cropped = size.crop === true;
    const { width, height } = cropped ? croppedSize(pixels, size) : fittedSize(pixels, size);
    const same = distinct.find(
      one => one.size.width === width && one.size.height === height && one.crop === cropped,
    );
    if (same) same.names.push(size.name);
    else distinct.push({ names: [size.name], size: { width, height }, crop: cropped });
  }
  return distinct;
}

function fittedSize(pixels: Pixels, size: Size): DistinctSize["size"] {
  const scale = Math.min(1, size.width / pixels.width, size.height / pixels.height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: side(pixels.width), height: side(pixels.height) };
}

async function encode(
  task: DecoderTask,
  pixels: Pixels,
  { format, options, moves }: Encoding,
  { names, size, crop: cropped }: DistinctSize,
): Promise<MadeVariant> {
  const animated = moves === true && pixels.motion !== undefined && !cropped;
  let image = animated
    ? sharp(pixels.data, { raw: pixels.raw, animated, limitInputPixels: false })
    : firstFrame(pixels);
  if (cropped) image = crop(image, pixels, size, task.focalPoint ?? null);
  else if (size.width !== pixels.width) image = image.resize({ ...size, fit: "fill" });
  if (!pixels.alpha) image = image.removeAlpha();
  const motion = animated ? pixels.motion : {};
  const { data, info } = await image
    .toFormat(format, { ...options, ...motion })
    .toBuffer({ resolveWithObject: true });
  const sha256 = new Bun.CryptoHasher("sha256").update(data).digest("hex");
  await Bun.write(join(task.outputDir, sha256), data);
  const height = animated ? size.height : info.height;
  return { names, format, width: info.width, height, bytes: data.length, animated, sha256 };
}

function firstFrame({ data, raw: { width, channels }, height }: Pixels): Sharp {
  return sharp(data.subarray(0, width * height * channels), { raw: { width, height, channels } });
}

async function appearance(pixels: Pixels): Promise<Pick<Look, "placeholder" | "colour">> {
  const edge = { width: APPEARANCE_EDGE, height: APPEARANCE_EDGE };
  const { data, info } = await firstFrame(pixels)
    .resize({ ...edge, fit: "inside", withoutEnlargement: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return appearanceOf(data, info.width, info.height);
}

/** What the decoder says, without the path of the file. */
function complaint(error: unknown, path: string): string {
  const [line = ""] = String((error as Error).message ?? error).split("\n");
  return line.replaceAll(`${path}: `, "").replaceAll(path, "the file").trim().slice(0, 200);
}
