/**
 * OTLP over HTTP with JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp), for traces only. The official exporter
 * brings eleven packages and 20 MB into each process (docs/decisions/0062).
 *
 * Spans wait in memory and go out once a second. A collector that is away costs nothing but spans: those that don't fit
 * the bounded queue are counted and dropped, and a crash loses what waited.
 */
import type { Log } from "../log.ts";
import type { Span } from "./span.ts";

const EVERY_MS = 1_000;
const BATCH = 512;
const MOST_WAITING = 8_192;
const TIMEOUT_MS = 5_000;

const kinds = { server: 2, client: 3, producer: 4, consumer: 5 } as const;
const FAILED = 2;

const nanos = (ms: number) => `${Math.round(ms * 1_000)}000`;

function attribute([key, value]: [string, string | number | boolean]): object {
  if (typeof value === "string") return { key, value: { stringValue: value } };
  if (typeof value === "boolean") return { key, value: { boolValue: value } };
  return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
}

/** The body of one request. `resource`: attributes of the process, such as `service.name`. */
export function otlpBody(resource: Record<string, string>, spans: readonly Span[]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: Object.entries(resource).map(attribute) },
        scopeSpans: [
          {
            scope: { name: "tradewind" },
            spans: spans.map(({ kind, startMs, endMs, attributes, error, ...ids }) => ({
              ...ids,
              kind: kinds[kind],
              startTimeUnixNano: nanos(startMs),
              endTimeUnixNano: nanos(endMs),
              attributes: Object.entries(attributes).map(attribute),
              ...(error !== undefined && { status: { code: FAILED, message: error } }),
            })),
          },
        ],
      },
    ],
  };
}

export type Exporter = {
  add(span: Span): void;
  /** Spans that did not fit since the start. */
  readonly dropped: number;
  /** Sends what waits, once. */
  close(): Promise<void>;
};

export function createExporter(options: {
  /** `/v1/traces` is appended, as for OTEL_EXPORTER_OTLP_ENDPOINT. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  resource: Record<string, string>;
  log: Log;
}): Exporter {
  const { resource, log } = options;
  const url = `${options.endpoint.replace(/\/$/, "")}/v1/traces`;
  const headers = { "content-type": "application/json", ...options.headers };
  let waiting: Span[] = [];
  let dropped = 0;
  let isAway = false;

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const spans = waiting.slice(0, BATCH);
      const body = JSON.stringify(otlpBody(resource, spans));
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await fetch(url, { method: "POST", headers, body, signal });
      await answer.arrayBuffer();
      // What is refused would be refused again; only a server that is busy or failing is asked once more.
      if (answer.status === 429 || answer.status >= 500)
        throw new Error(`the collector answered ${answer.status}`);
      waiting = waiting.slice(spans.length);
      if (!answer.ok) throw new Error(`the collector refused ${spans.length} spans with ${answer.status}`);
      isAway = false;
    }
  }
  const quietly = () =>
    send().catch(error => {
      if (!isAway) log.warn({ err: error, url }, "traces not sent");
      isAway = true;
    });
  let sending: Promise<void> | undefined;
  const flush = () => {
    sending ??= quietly().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  const timer = setInterval(flush, EVERY_MS);
  timer.unref();
  return {
    add(span) {
      if (waiting.length < MOST_WAITING) waiting.push(span);
      else dropped++;
    },
    get dropped() {
      return dropped;
    },
    async close() {
      clearInterval(timer);
      await flush();
      await flush();
    },
  };
}
