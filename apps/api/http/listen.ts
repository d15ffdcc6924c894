/**
 * A node's listeners, and how long a connection may hold one.
 *
 * Bun's timers, as measured (1.4.5, in steps of four seconds): a request line and headers must be there within twelve seconds,
 * however they drip. From then on a connection may go `idleSeconds` without an answer's bytes; bytes of a body do not count,
 * so a body dripped in is cut off with the rest. Streams of events live on by their heartbeats. Uploads need longer than
 * that and earn it: see pace.ts.
 */
import { answerFault } from "./fault.ts";
import { isUpload, type Pace, pacedUpload } from "./pace.ts";

/** Above the largest upload that a route takes, so that our own limits answer; Bun's bare 413 has no body. */
const MAX_REQUEST_BYTES = 3 * 1024 ** 3;

export type Listener = { port: number; hostname?: string; reusePort?: boolean };

export type ListenOptions = Pace & {
  fetch(request: Request): Response | Promise<Response>;
  /** Answers what needs no application. */
  known?(request: Request): Response | Promise<Response> | undefined;
};

type Taken = { server: Bun.Server<undefined>; request: Request };

/** The server that took a request is the one that knows its peer. Asked late: an answer of its costs microseconds. */
const takenBy = new WeakMap<Request, Taken>();

export function peerOf(asked: Request): string | undefined {
  const taken = takenBy.get(asked);
  return taken?.server.requestIP(taken.request)?.address;
}

export function listen(options: ListenOptions, listener: Listener): Bun.Server<undefined> {
  return Bun.serve({
    ...listener,
    maxRequestBodySize: MAX_REQUEST_BYTES,
    idleTimeout: options.idleSeconds,
    error: answerFault,
    fetch(request, server) {
      const known = options.known?.(request);
      if (known) return known;
      const asked = isUpload(request) ? pacedUpload(request, server, options) : request;
      takenBy.set(asked, { server, request });
      return options.fetch(asked);
    },
  });
}
