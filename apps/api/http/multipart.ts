/**
 * A streaming reader of `multipart/form-data` (RFC 7578). Elysia's own parser holds whole files in memory; this one
 * holds one chunk of the connection and hands parts out in the order they arrive:
 *
 *     for await (const part of multipart(request, limits)) {
 *       if (part.filename === undefined) alt = await part.text();
 *       else await storage.put(part.body);
 *     }
 *
 * Nothing is read ahead: while the consumer does not pull, the connection waits. A body that the consumer leaves
 * unread is skipped within its limits. What is malformed or cut off is a 400, what is too large a 413, and both are
 * thrown where the consumer reads, so that it can throw away what it has written so far.
 */
import { Problem } from "../../../platform/errors.ts";
import { ByteSource } from "./byte-source.ts";

export type MultipartLimits = {
  /** Parts of any kind; default 32. */
  maxParts?: number;
  /** Bytes of one part's headers; default 8 KiB. */
  maxHeaderBytes?: number;
  /** Bytes of one part without a file name; default 64 KiB. */
  maxFieldBytes?: number;
  /** Bytes of one part with a file name. */
  maxFileBytes: number;
};

export type Part = {
  readonly name: string;
  /** Present exactly for files. It is the client's word: for showing only, never for a path. */
  readonly filename: string | undefined;
  /** What the client says the type is; decide by the content instead. */
  readonly contentType: string | undefined;
  /** The bytes, to be read once and before the next part. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The whole body as UTF-8; for fields. */
  text(): Promise<string>;
};

const DEFAULTS = { maxParts: 32, maxHeaderBytes: 8 * 1024, maxFieldBytes: 64 * 1024 };
/** What may follow the last boundary; a client that sends more is cut off. */
const MAX_EPILOGUE_BYTES = 64 * 1024;
const CRLF = Buffer.from("\r\n");

export function malformed(detail: string): Problem {
  return new Problem(400, "malformed_multipart", detail);
}

function tooLarge(detail: string, maxBytes?: number): Problem {
  return new Problem(413, "body_too_large", detail, maxBytes ? { extensions: { maxBytes } } : {});
}

/** The parts of a request's body, in order. @throws Problem 400, 413 or 415 (another content type). */
export async function* multipart(request: Request, limits: MultipartLimits): AsyncGenerator<Part, void> {
  const bounds = { ...DEFAULTS, ...limits };
  const delimiter = Buffer.from(`\r\n--${boundaryOf(request)}`);
  if (!request.body) throw malformed("The request has no body.");
  const source = new ByteSource(request.body);
  try {
    await skipPreamble(source, delimiter);
    for (let count = 0; !(await atEnd(source)); count++) {
      if (count === bounds.maxParts) throw tooLarge(`The form may have ${bounds.maxParts} parts at most.`);
      const part = await readPart(source, delimiter, bounds);
      yield part.part;
      await part.skip();
    }
    await source.drain(MAX_EPILOGUE_BYTES);
  } finally {
    await source.close();
  }
}

function boundaryOf(request: Request): string {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    throw new Problem(415, "unsupported_media_type", "Send the form as multipart/form-data.");
  }
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(;|$)/i.exec(type);
  const boundary = match?.[1] ?? match?.[2];
  if (!boundary) throw malformed("The content type names no boundary of 1 to 70 characters.");
  return boundary;
}

/** To just behind the first boundary. Real clients send no preamble; one that is longer than a chunk is refused. */
async function skipPreamble(source: ByteSource, delimiter: Buffer): Promise<void> {
  source.prepend(CRLF);
  const at = await source.indexOf(delimiter, 4 * 1024);
  if (at === -1) throw malformed("The body does not begin with its boundary.");
  source.take(at + delimiter.length);
}

/** Behind a boundary: `--` closes the form, a line break opens a part. */
async function atEnd(source: ByteSource): Promise<boolean> {
  const at = await source.indexOf(CRLF, 128);
  if (at === -1) {
    if ((await source.atLeast(2)) && source.take(2).toString() === "--") return true;
    throw malformed("The body ends in the middle of a part.");
  }
  const rest = source.take(at + 2).toString("latin1");
  if (rest.startsWith("--")) return true;
  if (rest.trim() !== "") throw malformed("A boundary is followed by something else than a line break.");
  return false;
}

/** A part, and what takes its unread rest off the connection. */
type OpenPart = { part: Part; skip(): Promise<void> };

async function readPart(
  source: ByteSource,
  delimiter: Buffer,
  bounds: Required<MultipartLimits>,
): Promise<OpenPart> {
  const headers = await readHeaders(source, bounds.maxHeaderBytes);
  const { name, filename } = disposition(headers.get("content-disposition"));
  const maxBytes = filename === undefined ? bounds.maxFieldBytes : bounds.maxFileBytes;
  const what = filename === undefined ? `The field "${name.slice(0, 60)}"` : "The file";
  const next = chunksOf(source, delimiter, maxBytes, what);
  const body = (async function* () {
    for (let chunk = await next(); chunk; chunk = await next()) if (chunk.length > 0) yield chunk;
  })();
  const text = async () => Buffer.concat(await Array.fromAsync(body)).toString("utf8");
  const skip = async () => {
    while (await next());
  };
  return { part: { name, filename, contentType: headers.get("content-type"), body, text }, skip };
}

async function readHeaders(source: ByteSource, maxBytes: number): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  for (let left = maxBytes; ; ) {
    const at = await source.indexOf(CRLF, left);
    if (at === -1) {
      throw malformed(`The headers of a part are cut off or longer than ${maxBytes} bytes.`);
    }
    const line = source.take(at + 2).toString("utf8", 0, at);
    left -= at + 2;
    if (line === "") return headers;
    const colon = line.indexOf(":");
    if (colon < 1) throw malformed("A part has a header line without a colon.");
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

/** The body chunk by chunk; undefined once its boundary was read. */
function chunksOf(source: ByteSource, delimiter: Buffer, maxBytes: number, what: string) {
  let size = 0;
  let ended = false;
  return async (): Promise<Uint8Array | undefined> => {
    if (ended) return undefined;
    const piece = await source.until(delimiter);
    ended = piece.ended;
    size += piece.chunk.length;
    if (size > maxBytes) throw tooLarge(`${what} is larger than the limit of ${maxBytes} bytes.`, maxBytes);
    return piece.chunk;
  };
}

function disposition(header: string | undefined): { name: string; filename: string | undefined } {
  if (!header || !/^form-data\s*(;|$)/i.test(header)) {
    throw malformed("A part has no content-disposition of form-data.");
  }
  const parameters = new Map<string, string>();
  for (const match of header.matchAll(/;\s*([\w*-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;"]*))/g)) {
    const value = match[2] === undefined ? match[3]! : unquote(match[2]);
    parameters.set(match[1]!.toLowerCase(), value);
  }
  const name = parameters.get("name");
  if (name === undefined) throw malformed("A part has no name.");
  return { name, filename: extended(parameters.get("filename*")) ?? parameters.get("filename") };
}

/** Browsers write a quote in a name as %22 (and line breaks as %0D, %0A); others escape it with a backslash. */
function unquote(value: string): string {
  return value.replace(/\\(["\\])/g, "$1").replace(/%(22|0D|0A)/gi, hex => decodeURIComponent(hex));
}

function extended(value: string | undefined): string | undefined {
  const match = /^utf-8'[^']*'(.*)$/i.exec(value ?? "");
  if (!match) return undefined;
  try {
    return decodeURIComponent(match[1]!);
  } catch {
    throw malformed("A part has a file name that is not valid percent-encoding.");
  }
}
