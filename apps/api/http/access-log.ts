/**
 * One JSON line per request on the channel `access`. Lines are put together by hand and handed to the log's own
 * destination, which writes them in batches: a pino call per request costs a third of the node's throughput.
 *
 * A line holds the route's pattern, never the path: carts and guest orders are opened by their ids alone.
 */
import pino from "pino";
import { channel, type Log } from "../../../platform/log.ts";
import { traceId } from "../../../platform/trace.ts";
import type { RequestMeta } from "./context.ts";

export type AccessLog = {
  write(request: Request, meta: RequestMeta, route: string | undefined, status: number, ms: number): void;
};

const MAX_UNMATCHED = 120;

export function createAccessLog(log: Log): AccessLog {
  if (!log.isLevelEnabled("info")) return { write: () => {} };
  const access = channel(log, "access");
  const stream = (access as unknown as Record<symbol, { write(line: string): void }>)[
    pino.symbols.streamSym
  ]!;
  const bindings = JSON.stringify(access.bindings()).slice(1, -1);
  return {
    write(request, meta, route, status, ms) {
      const where = route ?? `unmatched ${new URL(request.url).pathname.slice(0, MAX_UNMATCHED)}`;
      const store = meta.storeId ? `,"storeId":"${meta.storeId}"` : "";
      stream.write(
        `{"level":30,"time":"${new Date().toISOString()}",${bindings},"requestId":"${meta.requestId}"` +
          `,"traceId":"${traceId(meta.traceparent)}"${store},"method":"${request.method}"` +
          `,"route":${JSON.stringify(where)},"status":${status},"ms":${ms.toFixed(2)},"msg":"request"}\n`,
      );
    },
  };
}
