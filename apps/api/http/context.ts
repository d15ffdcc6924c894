/** What the shell knows about a request from its first moment on; routes see `requestId` and `traceparent` of it. */
import { childTraceparent } from "../../../platform/trace.ts";

export type RequestMeta = {
  /** The caller's `X-Request-Id` when it is a harmless word, else one of ours. */
  readonly requestId: string;
  /** Our span in the caller's trace, or a trace of its own (W3C Trace Context). */
  readonly traceparent: string;
  /** `performance.now()` of the arrival. */
  readonly startedAt: number;
  /** Set by the guards; for the access log. */
  storeId?: string | undefined;
  /** Set by rate limits: headers that the answer carries whatever becomes of the request. */
  headers?: Record<string, string> | undefined;
};

const harmless = /^[\w.:-]{1,64}$/;

export function beginRequest(headers: Headers): RequestMeta {
  const given = headers.get("x-request-id");
  return {
    requestId: given !== null && harmless.test(given) ? given : crypto.randomUUID(),
    traceparent: childTraceparent(headers.get("traceparent")),
    startedAt: performance.now(),
  };
}
