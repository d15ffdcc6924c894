/**
 * Answers with a file: conditional requests and single ranges (RFC 9110, 13.1 and 14). The bytes go from the blob to the
 * connection without passing through the program.
 */
import { Problem } from "../../../platform/errors.ts";
import { matchesETag } from "./etag.ts";

export type ServedFile = {
  readonly blob: Blob;
  readonly bytes: number;
  readonly etag: string;
  /** `content-type`, `cache-control` and what else the answer carries. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Whether the blob is a file of this machine. Others are read into memory and sent on: Bun would redirect to them, and
   * a stream of them has no length.
   */
  readonly isLocal?: boolean;
};

/** The headers of the answer that holds the whole file. */
export function wholeFile(headers: ServedFile["headers"], etag: string): Record<string, string> {
  return { ...headers, etag, "accept-ranges": "bytes" };
}

export async function fileResponse(
  request: Request,
  { blob, bytes, etag, headers, isLocal = true }: ServedFile,
): Promise<Response> {
  const all = wholeFile(headers, etag);
  const given = request.headers;
  if (matchesETag(given.get("if-none-match"), etag)) return new Response(null, { status: 304, headers: all });
  const range = applies(given.get("if-range"), etag) ? rangeOf(given.get("range"), bytes) : undefined;
  const [from, to] = range ?? [0, bytes];
  const partial = range ? { "content-range": `bytes ${from}-${to - 1}/${bytes}` } : {};
  const part = range ? blob.slice(from, to) : blob;
  const body = isLocal ? part : await part.bytes();
  // To a HEAD the server sends the same without the body.
  return new Response(body, {
    status: range ? 206 : 200,
    headers: { ...all, ...partial },
  });
}

/** A range is of the representation that the caller has a part of already; of another one it wants everything. */
function applies(ifRange: string | null, etag: string): boolean {
  return ifRange === null || ifRange === etag;
}

/**
 * The half-open range that is asked for; undefined for everything: no range, several ranges, another unit.
 * @throws Problem 416 when it lies behind the end.
 */
function rangeOf(header: string | null, bytes: number): [from: number, to: number] | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(" ", "") ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  const from = first === "" ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === "" || last === "" ? bytes : Math.min(bytes, Number(last) + 1);
  if (first !== "" && last !== "" && Number(last) < from) return undefined;
  if (from < to) return [from, to];
  throw new Problem(416, "range_not_satisfiable", `The file has ${bytes} bytes.`, {
    headers: { "content-range": `bytes */${bytes}` },
  });
}
