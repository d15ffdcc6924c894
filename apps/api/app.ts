/**
 * One API node's application: the shell (errors, trace context, bodies, ETags, compression, log, metrics) around the
 * routes of all areas. Makes no connection and listens nowhere; main.ts and tests hand in what it needs.
 */
import { type AnyElysia, Elysia } from "elysia";
import { Problem } from "../../platform/errors.ts";
import { traceId } from "../../platform/trace.ts";
import { noTracer } from "../../platform/tracing/index.ts";
import type { ApiDeps } from "./deps.ts";
import { accessLogOf } from "./http/access-log.ts";
import { readJson } from "./http/body.ts";
import { beginRequest, type RequestMeta } from "./http/context.ts";
import { createFinish, type ResponseSet } from "./http/finish.ts";
import { answersOf } from "./http/observe.ts";
import { requestLogOf } from "./http/per-node.ts";
import { internalError, problemDocument, problemOf } from "./http/problem.ts";
import { allowedMethods, markDocumentedOnly, streamedRoutes } from "./http/route-table.ts";
import { createTraceRequest } from "./http/trace.ts";
import { areas } from "./routes/index.ts";

const COMPILE_PAUSE_MS = 5;

/** The shell puts `meta` on the context of every request; Elysia's types don't know. */
type WithMeta = { meta: RequestMeta };

/** Callers choose the word; each new one would be new series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

function createObserve(deps: ApiDeps) {
  const answers = answersOf(deps);
  return (method: string, route: string, status: number, seconds: number) =>
    answers.labels(METHODS.has(method) ? method : "other", route, String(status)).observe(seconds);
}

/** `extra` areas come after our own; for tests. */
export function createApp(deps: ApiDeps, extra: AnyElysia[] = []) {
  const node = deps.config.processName || `api-${process.pid}`;
  const accessLog = accessLogOf(deps);
  const { tracer = noTracer } = deps;
  const trace = tracer.enabled ? createTraceRequest(tracer) : null;
  const finish = createFinish({
    node,
    observe: createObserve(deps),
    accessLog,
    trace,
    requests: requestLogOf(deps),
    drain: deps.drain,
  });
  const streamed = new Set<string>();

  const refuse = (
    request: Request,
    route: string | undefined,
    set: ResponseSet,
    error: unknown,
    meta: RequestMeta,
  ) => {
    const problem = answerable(deps, meta, error, request, allowed);
    set.status = problem.status;
    set.headers = { ...problem.more.headers, "content-type": "application/problem+json; charset=utf-8" };
    return finish(request, meta, route, set, problemDocument(problem, meta.traceparent))!;
  };

  // Unknown fields are refused, not dropped (`normalize: false`). Hooks take single fields of the context on purpose:
  // Elysia reads their source, and a context passed on whole makes it parse cookies, headers and query each time. Routes
  // are compiled when they are first asked for, or by {@link compileRoutes}: all at once they are a third of a start.
  const app = new Elysia({ normalize: false })
    .onRequest(context => {
      const meta = beginRequest(context.request.headers);
      (context as unknown as WithMeta).meta = meta;
      if (!trace) return;
      const step = tracer.sampled(meta.traceparent);
      if (step) tracer.enter(step);
    })
    .onParse(({ request, contentType, route }) => {
      if (streamed.has(`${request.method} ${route}`)) return null;
      return readJson(request, contentType);
    })
    .onError(context => {
      const meta = (context as unknown as WithMeta).meta ?? beginRequest(context.request.headers);
      return refuse(context.request, context.route, context.set as ResponseSet, context.error, meta);
    })
    .mapResponse(context => {
      const { request, route, responseValue: value } = context;
      const set = context.set as ResponseSet;
      const meta = (context as unknown as WithMeta).meta;
      if (!(value instanceof Promise)) return finish(request, meta, route, set, value) as Response;
      // Elysia guesses from a handler's source whether it must be awaited; this is what it guessed wrong.
      return value.then(
        settled => finish(request, meta, route, set, settled) ?? settled,
        error => refuse(request, route, set, error, meta),
      ) as unknown as Response;
    });

  const allowed = (path: string) => allowedMethods(app, path);
  for (const area of [...areas(deps, () => app), ...extra]) {
    markDocumentedOnly(area);
    for (const route of streamedRoutes(area)) streamed.add(route);
    app.use(area);
  }
  return app;
}

/** Compiles what was not asked for yet, one route after the other, between requests. */
export async function compileRoutes(app: AnyElysia): Promise<void> {
  for (const route of app.routes) {
    route.compile();
    await Bun.sleep(COMPILE_PAUSE_MS);
  }
}

/** The problem to answer with; a defect is logged with its stack and becomes a bare 500. */
function answerable(
  deps: ApiDeps,
  meta: RequestMeta,
  error: unknown,
  request: Request,
  allowed: (path: string) => string[],
): Problem {
  const problem = problemOf(error, request);
  if (problem?.code === "not_found" && (error as { code?: unknown }).code === "NOT_FOUND") {
    const methods = allowed(new URL(request.url).pathname);
    if (methods.length > 0) {
      const headers = { allow: methods.join(", ") };
      return new Problem(405, "method_not_allowed", `This route takes ${headers.allow}.`, { headers });
    }
  }
  if (problem && problem.status < 500) return problem;
  const log = { err: error, requestId: meta.requestId, traceId: traceId(meta.traceparent) };
  deps.log[problem ? "warn" : "error"](log, "request failed");
  return problem ?? internalError;
}
