/**
 * Request bodies. Routes that take JSON get it from here: at most {@link MAX_JSON_BYTES}, counted while reading, so that
 * neither a missing nor a lying Content-Length gets past. Routes with `parse: "none"` read their stream themselves.
 */
import { Problem } from "../../../platform/errors.ts";

export const MAX_JSON_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;

function tooLarge(): Problem {
  return new Problem(413, "body_too_large", "The body is larger than this route takes.", {
    extensions: { maxBytes: MAX_JSON_BYTES },
  });
}

function isJson(contentType: string): boolean {
  return contentType === "application/json" || contentType.endsWith("+json");
}

async function readLimited(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_JSON_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The parsed body; undefined when there is none. @throws Problem 400, 413 or 415. */
export async function readJson(request: Request, contentType: string): Promise<unknown> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (request.body === null || declared === 0) return undefined;
  if (!isJson(contentType.trim().toLowerCase())) {
    throw new Problem(415, "unsupported_media_type", "This route takes application/json.", {
      headers: { accept: "application/json" },
    });
  }
  if (declared > MAX_JSON_BYTES) throw tooLarge();
  // A body that says its length ends there: HTTP sees to that, and what is no HTTP (a test) is counted afterwards.
  if (Number.isNaN(declared)) return parseJson(await readLimited(request.body));
  const bytes = await request.bytes();
  if (bytes.length > MAX_JSON_BYTES) throw tooLarge();
  return parseJson(bytes);
}

function parseJson(bytes: Uint8Array): unknown {
  if (nestsDeeper(bytes, MAX_DEPTH)) {
    throw new Problem(400, "malformed_json", `The body is nested deeper than ${MAX_DEPTH} levels.`);
  }
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw new Problem(400, "malformed_json", "The body is not valid JSON in UTF-8.");
  }
}

const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, QUOTE, BACKSLASH] = [...'[]{}"\\'].map(one =>
  one.charCodeAt(0),
);

/** Brackets outside of strings, counted without recursion: what walks a value later would run out of stack. */
function nestsDeeper(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > limit) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  return false;
}
