/**
 * Takes the bytes of an upload in, and refuses what is no picture that we can use: by the first bytes while the rest
 * has not been sent yet, by size while it comes in, by the dimensions in its headers before any decoder sees it.
 */
import { Problem } from "../platform/errors.ts";
import { type StagedFile, type Storage, StorageLimitError } from "../platform/storage/index.ts";
import { dimensionsOf } from "./dimensions.ts";
import { limits } from "./plan.ts";
import { type InputFormat, isMarkup, SNIFF_BYTES, SNIFF_TEXT_BYTES, sniff, strangerOf } from "./sniff.ts";

/** A picture that has been received and not yet been kept; discard it unless it is uploaded. */
export type ReceivedFile = {
  readonly staged: StagedFile;
  readonly format: InputFormat;
  readonly filename: string | null;
};

const MAX_FILENAME = 200;

/**
 * @param body the file's bytes; read no further than the first chunk when they show another type.
 * @throws Problem 413, 415 or 422; whatever `body` throws. Nothing is left then.
 */
export async function receiveFile(
  storage: Storage,
  body: AsyncIterable<Uint8Array>,
  options: { maxBytes: number; filename?: string | null | undefined },
): Promise<ReceivedFile> {
  const { format, whole } = await identify(body);
  const maxBytes = format === "svg" ? Math.min(limits.maxSvgBytes, options.maxBytes) : options.maxBytes;
  const staged = await stage(storage, whole, maxBytes);
  try {
    await checkDimensions(format, staged.blob);
  } catch (error) {
    await staged.discard();
    throw error;
  }
  return { staged, format, filename: showable(options.filename) };
}

async function identify(body: AsyncIterable<Uint8Array>) {
  const { head, whole } = await headOf(body);
  const format = head.length > 0 && sniff(head);
  if (format) return { format, whole };
  await whole.return();
  if (head.length === 0) throw new Problem(422, "empty_file", "The file is empty.");
  throw unsupported(head);
}

/**
 * The same bytes again, refused by the first of them when these are of no picture that we can use. Where they end too
 * soon to tell (of `bytes` that are announced), they are passed on.
 * @throws Problem 415
 */
export async function expectPicture(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<AsyncIterable<Uint8Array>> {
  const { head, whole } = await headOf(body);
  if (head.length < Math.min(bytes, neededOf(head)) || sniff(head)) return whole;
  await whole.return();
  throw unsupported(head);
}

const neededOf = (head: Buffer) => (isMarkup(head) ? SNIFF_TEXT_BYTES : SNIFF_BYTES);

async function headOf(body: AsyncIterable<Uint8Array>) {
  const iterator = body[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < neededOf(head)) {
    const { value, done } = await iterator.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array, void> {
    if (head.length > 0) yield head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  const rest = all();
  /** A generator that has not begun would end without a word to what it reads from. */
  const whole: AsyncIterable<Uint8Array> & { return(): Promise<void> } = {
    async return() {
      await rest.return();
      await iterator.return?.();
    },
    [Symbol.asyncIterator]: () => ({
      next: () => rest.next(),
      return: async () => {
        await whole.return();
        return { done: true, value: undefined };
      },
    }),
  };
  return { head, whole };
}

function unsupported(head: Buffer): Problem {
  const stranger = strangerOf(head);
  const found = stranger ? ` By its content this is ${stranger}.` : "";
  return new Problem(
    415,
    "unsupported_media_type",
    `The file is no picture in a supported format (JPEG, PNG, WebP, AVIF, GIF, TIFF, SVG).${found}`,
  );
}

async function stage(
  storage: Storage,
  whole: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<StagedFile> {
  try {
    return await storage.stage(whole, { maxBytes });
  } catch (error) {
    if (!(error instanceof StorageLimitError)) throw error;
    throw new Problem(413, "body_too_large", `The file is larger than the limit of ${maxBytes} bytes.`, {
      extensions: { maxBytes },
    });
  }
}

async function checkDimensions(format: InputFormat, blob: Blob): Promise<void> {
  const found = await dimensionsOf(format, blob);
  if (!found) {
    throw new Problem(422, "unreadable", `The picture's headers are damaged or cut off (${format}).`);
  }
  if (found.width * found.height <= limits.maxPixels) return;
  throw new Problem(
    422,
    "too_many_pixels",
    `The picture is ${found.width} × ${found.height} pixels; the limit is ${limits.maxPixels / 1e6} million pixels.`,
    { extensions: { maxPixels: limits.maxPixels } },
  );
}

/** The name without folders and control characters; it is shown to people and used for nothing else. */
export function showable(name: string | null | undefined): string | null {
  const base = (name ?? "").split(/[/\\]/).at(-1)!;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return base.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "").slice(0, MAX_FILENAME) || null;
}
