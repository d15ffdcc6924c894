/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). The node serves paths that end
 * in `/events` without idle time-out; the heartbeat keeps what is between us and the caller from having one.
 */
export type SseEvent = { readonly event: string; readonly data: unknown; readonly id?: string };

const HEARTBEAT_MS = 10_000;
const RETRY_MS = 1_000;

/** Aborted when the caller has left, when `stop` is called, and when this node begins to leave: callers come back to another. */
export function listening(
  request: Request,
  drain: { readonly signal?: AbortSignal } | undefined,
): { signal: AbortSignal; stop: () => void } {
  const gone = new AbortController();
  const ends = [gone.signal, request.signal, ...(drain?.signal ? [drain.signal] : [])];
  return { signal: AbortSignal.any(ends), stop: () => gone.abort() };
}

/**
 * Streams `events` until they end or the caller leaves; then `stop` is called, which must end them.
 */
export function sseResponse(
  events: AsyncIterable<SseEvent>,
  { stop, heartbeatMs = HEARTBEAT_MS }: { stop: () => void; heartbeatMs?: number },
): Response {
  const utf8 = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = () => {
    clearInterval(timer);
    stop();
  };
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (text: string) => controller.enqueue(utf8.encode(text));
      send(`retry: ${RETRY_MS}\n\n`);
      timer = setInterval(send, heartbeatMs, ": heartbeat\n\n");
      try {
        for await (const event of events) send(encode(event));
        controller.close();
      } catch (error) {
        controller.error(error);
      } finally {
        end();
      }
    },
    cancel: end,
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

function encode({ event, data, id }: SseEvent): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
