import { idsOf, type Tracer } from "../../../platform/tracing/index.ts";
import type { RequestMeta } from "./context.ts";

export type TraceRequest = (
  request: Request,
  meta: RequestMeta,
  route: string | undefined,
  status: number,
  ms: number,
) => void;

/** Records a request as the step that its `traceparent` names; its caller's step is the parent. */
export function createTraceRequest(tracer: Tracer): TraceRequest {
  return (request, meta, route, status, ms) => {
    const step = tracer.sampled(meta.traceparent);
    if (!step) return;
    const startMs = performance.timeOrigin + meta.startedAt;
    const caller = idsOf(request.headers.get("traceparent"));
    tracer.record({
      ...step,
      parentSpanId: caller?.traceId === step.traceId ? caller.spanId : undefined,
      name: `${request.method} ${route ?? "unmatched"}`,
      kind: "server",
      startMs,
      endMs: startMs + ms,
      attributes: {
        "http.request.method": request.method,
        "http.route": route ?? "",
        "http.response.status_code": status,
        "tradewind.request_id": meta.requestId,
        ...(meta.storeId && { "tradewind.store": meta.storeId }),
      },
      ...(status >= 500 && { error: String(status) }),
    });
  };
}
