/**
 * One JSON line per request on the channel `access`. Lines are put together by hand and handed to the log's own
 * destination many at a time (line-batch.ts): a pino call per request costs a third of the node's throughput.
 *
 * Answers out of a cache are the many that tell nothing: one in {@link SAMPLE} of them has a line (which says so), unless it
 * was slow or is an error. With TRADEWIND_ACCESS_LOG=all each has one.
 *
 * A line holds the route's pattern, never the path: carts and guest orders are opened by their ids alone.
 */
import pino from "pino";
import { channel, type Log } from "../../../platform/log.ts";
import { redact } from "../../../platform/redact.ts";
import { traceId } from "../../../platform/trace.ts";
import type { RequestMeta } from "./context.ts";
import { createLineBatch } from "./line-batch.ts";
import { perNode } from "./per-node.ts";

type Meta = Pick<RequestMeta, "requestId" | "traceparent" | "storeId">;

export type AccessLog = {
  write(request: Request, meta: Meta, route: string | undefined, status: number, ms: number): void;
  /** Of an answer out of a cache. */
  writeHit(request: Request, meta: Meta, route: string | undefined, status: number, ms: number): void;
  /** Logs answers that are given before the application, and so in no trace: all that their lines have in common is made here. */
  hits(method: string, hot: { route: string; storeId: string }, status: number): (ms: number) => void;
  /** Before the log itself is flushed. */
  flush(): void;
};

export const SAMPLE = 1_000;
const SLOW_MS = 500;
const MAX_UNMATCHED = 120;
/** A mistyped path may hold what opens a cart, an order or a door. */
function shownPath(url: string): string {
  const { pathname } = new URL(url);
  return redact(pathname.slice(0, 4 * MAX_UNMATCHED))
    .replaceAll(/\b(cart|ord)_[0-9a-z]+/gi, "$1_<secret>")
    .slice(0, MAX_UNMATCHED);
}

const silent: AccessLog = { write: () => {}, writeHit: () => {}, hits: () => () => {}, flush: () => {} };

/** Numbers as texts, of what nearly all hits need. */
const MILLISECONDS = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, "0"));
const HUNDREDTHS = Array.from({ length: 200 }, (_, n) => (n / 100).toFixed(2));

/** With two places. */
const shownMs = (ms: number) => HUNDREDTHS[Math.round(ms * 100)] ?? ms.toFixed(2);

export const accessLogOf = perNode(({ config, log }) => createAccessLog(log, config.accessLog === "all"));

function createAccessLog(log: Log, all: boolean): AccessLog {
  if (!log.isLevelEnabled("info")) return silent;
  const access = channel(log, "access");
  const stream = (access as unknown as Record<symbol, { write(line: string): void }>)[
    pino.symbols.streamSym
  ]!;
  const bindings = JSON.stringify(access.bindings()).slice(1, -1);
  const sample = all ? 1 : SAMPLE;
  const said = all ? "" : `,"sampled":${SAMPLE}`;
  const lines = createLineBatch(some => void stream.write(some));
  let hits = 0;
  let second = 0;
  let iso = "";

  /** To the millisecond; the second is formatted once. */
  function time(): string {
    const now = Date.now();
    const whole = Math.floor(now / 1_000);
    if (whole !== second) {
      second = whole;
      iso = new Date(whole * 1_000).toISOString().slice(0, 20);
    }
    return `${iso}${MILLISECONDS[now % 1_000]}Z`;
  }

  function line(
    request: Request,
    meta: Meta,
    route: string | undefined,
    status: number,
    ms: number,
    more = "",
  ): void {
    const where = route ?? `unmatched ${shownPath(request.url)}`;
    const store = meta.storeId ? `,"storeId":"${meta.storeId}"` : "";
    lines.add(
      `{"level":30,"time":"${time()}",${bindings},"requestId":"${meta.requestId}"` +
        `,"traceId":"${traceId(meta.traceparent)}"${store},"method":"${request.method}"` +
        `,"route":${JSON.stringify(where)},"status":${status},"ms":${ms.toFixed(2)}${more},"msg":"request"}\n`,
    );
  }

  return {
    write: line,
    writeHit(request, meta, route, status, ms) {
      if (status >= 400 || ms >= SLOW_MS) line(request, meta, route, status, ms);
      else if (hits++ % sample === 0) line(request, meta, route, status, ms, said);
    },
    hits(method, { route, storeId }, status) {
      const before = `",${bindings},"storeId":"${storeId}","method":"${method}","route":${JSON.stringify(route)},"status":${status},"ms":`;
      const after = `${said},"msg":"request"}\n`;
      return ms => {
        if (hits++ % sample !== 0) return;
        lines.add(`{"level":30,"time":"${time()}${before}${shownMs(ms)}${after}`);
      };
    },
    flush: () => lines.flush(),
  };
}
