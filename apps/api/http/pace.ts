/**
 * Uploads may take as long as they move. A body has `idleSeconds` to begin with and earns time by its bytes, at
 * `uploadKbPerSecond`; what falls behind is a 408. Only the time spent waiting for the sender counts, not ours. A sender
 * that falls silent altogether is cut off by the server's timer, which each piece sets anew.
 */
import { Problem } from "../../../platform/errors.ts";

export type Pace = {
  /** How long a connection may go without a byte of an answer, or an upload without a byte. */
  readonly idleSeconds: number;
  /** The least pace of an upload. */
  readonly uploadKbPerSecond: number;
};

/** The server looks at its timers that often: a time of one step may be over at once. */
const TIMER_STEP_SECONDS = 4;

type Timer = { timeout(request: Request, seconds: number): void };

const TYPES = /^(?:multipart\/form-data|application\/offset\+octet-stream)\b/i;

/** What only routes take that read their body as a stream. */
export function isUpload({ method, headers }: Request): boolean {
  return (method === "POST" || method === "PATCH") && TYPES.test(headers.get("content-type") ?? "");
}

/** The same request; its body is timed from the moment that somebody reads it. */
export function pacedUpload(request: Request, timer: Timer, pace: Pace): Request {
  if (request.body === null) return request;
  const rearm = () => timer.timeout(request, pace.idleSeconds + TIMER_STEP_SECONDS);
  const body = paced(request.body, rearm, pace);
  return new Request(request, { body, signal: request.signal });
}

/** @throws Problem 408, to who reads, when the body falls behind. */
export function paced(
  source: ReadableStream<Uint8Array>,
  rearm: () => void,
  { idleSeconds, uploadKbPerSecond }: Pace,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let bytes = 0;
  let waitedMs = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const asked = performance.now();
        const { done, value } = await reader.read();
        waitedMs += performance.now() - asked;
        rearm();
        if (done) return controller.close();
        bytes += value.byteLength;
        controller.enqueue(value);
        const earnedMs = idleSeconds * 1_000 + bytes / uploadKbPerSecond;
        if (waitedMs <= earnedMs) return;
        controller.error(tooSlow());
        await reader.cancel();
      },
      cancel: reason => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function tooSlow(): Problem {
  return new Problem(
    408,
    "body_too_slow",
    "The body came too slowly; send it again over a better connection.",
    {
      headers: { connection: "close" },
    },
  );
}
