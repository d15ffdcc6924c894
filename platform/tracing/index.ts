/**
 * Traces for an OpenTelemetry collector: a request, the outbox, the job and their statements as one. Nothing is recorded,
 * and nothing is paid, unless an endpoint is configured.
 */
export { derivedSpanId, idsOf, newSpanId, type Span } from "./span.ts";
export { createTracer, noTracer, openTracer, type Parent, startChild, type Tracer } from "./tracer.ts";
