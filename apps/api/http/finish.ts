/**
 * The last step of every answer: headers that all answers carry, the ETag and 304 of GETs, compression, metrics and the
 * access log. Runs inside Elysia's `mapResponse`, where the value of the route is still an object: it is turned to text
 * exactly once here, and never read back from a Response.
 */
import { ElysiaCustomStatusResponse } from "elysia";
import type { RequestLog } from "../../../bus/index.ts";
import { ReadyAnswer } from "../cache/ready-answer.ts";
import type { AccessLog } from "./access-log.ts";
import { acceptedEncoding, compress, MIN_COMPRESSED_BYTES } from "./compression.ts";
import type { RequestMeta } from "./context.ts";
import { allowOrigins } from "./cors.ts";
import { encodedETag, matchesETag, strongETag } from "./etag.ts";
import type { TraceRequest } from "./trace.ts";

/** The part of Elysia's `set` that is used here. */
export type ResponseSet = { status?: number | string; headers: Record<string, string | number | string[]> };

export type Finish = (
  request: Request,
  meta: RequestMeta,
  route: string | undefined,
  set: ResponseSet,
  value: unknown,
) => Response | undefined;

type Observe = (method: string, route: string, status: number, seconds: number) => void;

const utf8 = new TextEncoder();

function isStreamed(value: unknown): boolean {
  return (
    value instanceof Response ||
    value instanceof Blob ||
    value instanceof ReadableStream ||
    typeof (value as { next?: unknown } | null)?.next === "function"
  );
}

/** The body's text; sets the content type that goes with it unless the route chose one. */
function textOf(value: unknown, set: ResponseSet): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") {
    set.headers["content-type"] ??= "text/plain; charset=utf-8";
    return value;
  }
  set.headers["content-type"] ??= "application/json; charset=utf-8";
  return JSON.stringify(value);
}

export type FinishOptions = {
  /** Value of `X-Node`. */
  node: string;
  observe: Observe;
  accessLog: AccessLog;
  /** Records the request in its trace; null: no traces are recorded. */
  trace: TraceRequest | null;
  /** Told of every request that ends; keeps those that have caused jobs. */
  requests?: RequestLog | undefined;
  /** While it is active every answer closes its connection, so that clients come back to another node. */
  drain?: { active: boolean } | undefined;
};

export function createFinish(options: FinishOptions): Finish {
  const { node, observe, accessLog, trace, requests, drain } = options;
  return (request, meta, route, set, value) => {
    if (value instanceof ElysiaCustomStatusResponse) {
      set.status = value.code;
      value = value.response;
    }
    const ms = performance.now() - meta.startedAt;
    Object.assign(set.headers, meta.headers, {
      "x-node": node,
      "x-request-id": meta.requestId,
      traceparent: meta.traceparent,
      "server-timing": `total;dur=${ms.toFixed(2)}`,
      "x-content-type-options": "nosniff",
    });
    allowOrigins(route, set.headers);
    if (drain?.active) set.headers.connection = "close";
    const headOnly = request.method === "HEAD" ? headOfStream(set, value) : undefined;
    const response = headOnly ?? (isStreamed(value) ? undefined : buildResponse(request, set, value));
    const status = response?.status ?? (value instanceof Response ? value.status : Number(set.status ?? 200));
    observe(request.method, route ?? "unmatched", status, ms / 1_000);
    if (set.headers["x-cache"] === "HIT") accessLog.writeHit(request, meta, route, status, ms);
    else accessLog.write(request, meta, route, status, ms);
    trace?.(request, meta, route, status, ms);
    if (requests && request.method !== "GET") {
      const { traceparent, storeId } = meta;
      const { method } = request;
      requests.ended({ traceparent, storeId, method, route: route ?? "unmatched", status, tookMs: ms });
    }
    if (response) {
      // Everything is in the Response; what is left in `set` would make Elysia build it a second time.
      set.headers = Object.create(null);
      set.status = 200;
    }
    return response;
  };
}

/** Nobody reads the stream of a HEAD, so nobody would end it either: what feeds it would go on for ever. */
function headOfStream(set: ResponseSet, value: unknown): Response | undefined {
  if (!(value instanceof Response) || !(value.body instanceof ReadableStream)) return undefined;
  if (!value.headers.get("content-type")?.startsWith("text/event-stream")) return undefined;
  void value.body.cancel();
  const headers = { ...(set.headers as Record<string, string>), ...Object.fromEntries(value.headers) };
  return new Response(null, { status: value.status, headers });
}

function buildResponse(request: Request, set: ResponseSet, value: unknown): Response {
  const headers = set.headers as Record<string, string>;
  if (value instanceof ReadyAnswer) return buildReady(request, headers, value);
  let status = Number(set.status ?? 200);
  const text = textOf(value, set);
  const readable = request.method === "GET" || request.method === "HEAD";
  headers["cache-control"] ??= readable && status === 200 ? "private, no-cache" : "no-store";
  if (text === null) return new Response(null, { status: status === 200 ? 204 : status, headers });
  let body: string | Uint8Array<ArrayBuffer> = text;
  if (readable && status === 200) headers.etag ??= strongETag(text);
  const encoding = text.length < MIN_COMPRESSED_BYTES ? null : negotiate(request, headers);
  if (headers.etag && status === 200 && matchesETag(request.headers.get("if-none-match"), headers.etag)) {
    status = 304;
    delete headers["content-type"];
    delete headers["content-encoding"];
    return new Response(null, { status, headers });
  }
  if (encoding) body = compress(utf8.encode(text), encoding);
  return new Response(body, { status, headers });
}

function buildReady(request: Request, own: Record<string, string>, answer: ReadyAnswer): Response {
  const form = answer.form(acceptedEncoding(request.headers.get("accept-encoding")));
  const headers: Record<string, string> = { ...own, ...form.headers };
  if (!matchesETag(request.headers.get("if-none-match"), answer.etag))
    return new Response(form.body, { headers });
  delete headers["content-type"];
  delete headers["content-encoding"];
  return new Response(null, { status: 304, headers });
}

function negotiate(request: Request, headers: Record<string, string>) {
  headers.vary = headers.vary ? `${headers.vary}, accept-encoding` : "accept-encoding";
  const encoding = acceptedEncoding(request.headers.get("accept-encoding"));
  if (encoding) {
    headers["content-encoding"] = encoding;
    if (headers.etag) headers.etag = encodedETag(headers.etag, encoding);
  }
  return encoding;
}
