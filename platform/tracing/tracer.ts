import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../log.ts";
import { createExporter } from "./otlp.ts";
import { idsOf, newSpanId, type Span } from "./span.ts";

/** What later steps are children of. */
export type Parent = { traceId: string; spanId: string };

export type Tracer = {
  /** False: nothing is recorded, and callers skip the work for it. */
  readonly enabled: boolean;
  /** The step of that traceparent when its trace is recorded, by the caller's flag and our share; else null. */
  sampled(traceparent: string | null | undefined): Parent | null;
  record(span: Span): void;
  /** Runs `work` as that step: what it asks of Postgres becomes its children. */
  within<T>(parent: Parent, work: () => T): T;
  /** The same for the rest of the caller's own asynchronous flow. */
  enter(parent: Parent): void;
  /** The step that runs now. */
  current(): Parent | undefined;
  close(): Promise<void>;
};

export const noTracer: Tracer = {
  enabled: false,
  sampled: () => null,
  record: () => {},
  within: (_, work) => work(),
  enter: () => {},
  current: () => undefined,
  close: async () => {},
};

export type TracerOptions = {
  /** Of an OTLP collector; without it nothing is recorded. */
  endpoint: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** Percent of the traces that are recorded. All processes choose the same ones, by the id. */
  percent: number;
  process: string;
  log: Log;
};

export function createTracer({ endpoint, headers, percent, log, ...options }: TracerOptions): Tracer {
  if (endpoint === undefined) return noTracer;
  const resource = {
    "service.name": "tradewind",
    "service.instance.id": options.process,
    "process.pid": String(process.pid),
  };
  const exporter = createExporter({ endpoint, headers, resource, log });
  const storage = new AsyncLocalStorage<Parent>();
  // The last 56 bits of a trace id are random (W3C Trace Context level 2).
  const isChosen = (traceId: string) => Number.parseInt(traceId.slice(-8), 16) < (percent / 100) * 2 ** 32;
  return {
    enabled: true,
    sampled(traceparent) {
      const ids = idsOf(traceparent);
      return ids && isChosen(ids.traceId) ? ids : null;
    },
    record: span => exporter.add(span),
    within: (parent, work) => storage.run(parent, work),
    enter: parent => storage.enterWith(parent),
    current: () => storage.getStore(),
    close: () => exporter.close(),
  };
}

/** The tracer of a process, as its configuration wants it. */
export function openTracer(
  config: {
    otlpEndpoint: string | undefined;
    otlpHeaders: Readonly<Record<string, string>>;
    tracePercent: number;
  },
  process: string,
  log: Log,
): Tracer {
  const { otlpEndpoint: endpoint, otlpHeaders: headers, tracePercent: percent } = config;
  return createTracer({ endpoint, headers, percent, process, log });
}

/** A child of the step that runs now; `ended` records it. Null when none does. */
export function startChild(
  tracer: Tracer,
  child: Pick<Span, "name" | "kind" | "attributes">,
): { ended(error?: string): void } | null {
  const parent = tracer.current();
  if (!parent) return null;
  const startMs = performance.timeOrigin + performance.now();
  return {
    ended: error =>
      tracer.record({
        ...child,
        traceId: parent.traceId,
        spanId: newSpanId(),
        parentSpanId: parent.spanId,
        startMs,
        endMs: performance.timeOrigin + performance.now(),
        error,
      }),
  };
}
