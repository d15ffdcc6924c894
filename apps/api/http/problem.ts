/**
 * The one place where errors become answers: `application/problem+json` (RFC 9457). Only a {@link Problem} speaks to the
 * caller; Elysia's own errors are translated, and whatever else was thrown is a defect: logged with its stack, answered
 * as a bare 500. Left alone, Elysia would send a thrown message, and a 422 would echo the input.
 */

import { BusUnavailable } from "../../../bus/index.ts";
import { type FieldError, Problem, unavailable } from "../../../platform/errors.ts";
import { StorageAway } from "../../../platform/storage/index.ts";
import { traceId } from "../../../platform/trace.ts";

const MAX_FIELD_ERRORS = 20;

export type ProblemDocument = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: FieldError[];
  traceId: string;
};

export const titles: Record<number, string> = {
  400: "Bad request",
  401: "Unauthorized",
  402: "Payment required",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  412: "Precondition failed",
  413: "Content too large",
  415: "Unsupported media type",
  416: "Range not satisfiable",
  422: "Unprocessable content",
  428: "Precondition required",
  429: "Too many requests",
  500: "Internal error",
  502: "Bad gateway",
  503: "Service unavailable",
  504: "Gateway timeout",
};

/** Codes of postgres.js and Postgres (SQLSTATE) that say "not now" rather than "never". */
const unreachable = new Set([
  "CONNECT_TIMEOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "ECONNREFUSED",
  "ECONNRESET",
  "53300", // too_many_connections
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "POSTGRES_FROZEN", // lifesign.ts
]);

/** Whether an error says that the database is away. */
export const isUnreachable = (error: unknown) =>
  unreachable.has(String((error as { code?: unknown } | null)?.code));

const unwritable = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO"]);

/** The media folder is all that requests write to. That a file is missing is no outage; that its folder can't be made is. */
function isDiskAway(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (typeof syscall !== "string") return false;
  return unwritable.has(String(code)) || (syscall === "mkdir" && code === "ENOENT");
}

/** Postgres can't keep U+0000, which JSON and URLs may hold. */
const unkeepable = new Set(["22021", "22P05"]);

type SchemaIssue = {
  path: string;
  message: string;
  schema?: { anyOf?: Bound[] };
  /** For a union: what each of its branches has against the value. */
  errors?: Iterable<SchemaIssue>[];
};
type Bound = { type?: string; format?: string; minimum?: number; maximum?: number; const?: unknown };

/**
 * A union's own issue says only that no branch fits. Where one branch was meant, its issues are told instead: the one
 * whose fault lies deepest, or the one that is left of "this or null".
 */
function plainest(issue: SchemaIssue): SchemaIssue[] {
  const branches = (issue.errors ?? []).map(branch => [...branch].flatMap(plainest));
  const deep = branches.filter(branch => branch.every(one => one.path.length > issue.path.length));
  if (deep.length > 0) return deep.sort((a, b) => a.length - b.length)[0]!;
  const types = (issue.schema?.anyOf ?? []).map(part => part.type);
  const other = types.findIndex(type => type !== "null");
  return types.length === 2 && types.includes("null") && branches[other] ? branches[other] : [issue];
}

/** The words to choose from, for a union of literals. */
function wordsOf(issue: SchemaIssue): string | null {
  const words = (issue.schema?.anyOf ?? []).map(part => part.const);
  return words.length > 1 && words.every(word => typeof word === "string") ? words.join(", ") : null;
}

/** Query numbers are a union of "number" and "numeric string" to Elysia; "expected union value" helps nobody. */
function messageOf(issue: SchemaIssue): string {
  const words = wordsOf(issue);
  if (words) return `Expected one of ${words}`;
  const parts = issue.schema?.anyOf ?? [];
  const textual = parts.some(part => part.format === "integer" || part.format === "numeric");
  const bound = parts.find(part => part.type === "integer" || part.type === "number");
  if (!textual || !bound) return issue.message;
  const kind =
    bound.type === "integer" || parts.some(part => part.format === "integer") ? "a whole number" : "a number";
  const from = bound.minimum === undefined ? "" : ` from ${bound.minimum}`;
  const to = bound.maximum === undefined ? "" : ` to ${bound.maximum}`;
  return `Expected ${kind}${from}${to}`;
}

/** What is used of Elysia's errors. They are told by `code`: some come from its CommonJS copy, which breaks instanceof. */
type ElysiaError = {
  code?: unknown;
  cause?: unknown;
  type?: string;
  value?: unknown;
  validator?: { Errors?(value: unknown): Iterable<SchemaIssue> };
  valueError?: SchemaIssue;
};

function fieldErrors(error: ElysiaError, request: Request): FieldError[] {
  if (!error.validator?.Errors) return [lateIssue(error, request)];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const issue of [...error.validator.Errors(error.value)].flatMap(plainest)) {
    const path = issue.path.slice(1).replaceAll("/", ".").slice(0, 200) || error.type || "body";
    // The first issue of a path is the plainest; what follows is the same fault seen by deeper rules.
    if (!seen.has(path)) errors.push({ path, message: messageOf(issue) });
    seen.add(path);
    if (errors.length === MAX_FIELD_ERRORS) break;
  }
  return errors;
}

/** A number out of bounds in a query is found while it is decoded, without its name: find that by its value. */
function lateIssue(error: ElysiaError, request: Request): FieldError {
  const query = [...new URL(request.url).searchParams];
  const named = query.find(([, text]) => text !== "" && Number(text) === error.value);
  return { path: named?.[0].slice(0, 200) ?? "query", message: error.valueError?.message ?? "Invalid value" };
}

/** The problem that an error stands for; null for a defect. */
export function problemOf(error: unknown, request: Request): Problem | null {
  if (error instanceof Problem) return error;
  if (error instanceof BusUnavailable) return unavailable("The job bus");
  const known = error as ElysiaError;
  if (error instanceof StorageAway) return unavailable("The media storage");
  if (isUnreachable(error)) return unavailable("The database");
  if (isDiskAway(error)) return unavailable("The media storage");
  if (unkeepable.has(String(known?.code))) {
    return new Problem(422, "invalid", "A text in the request holds the character U+0000.");
  }
  if (known?.code === "PARSE") {
    if (known.cause instanceof Problem) return known.cause;
    return new Problem(400, "malformed_body", "The body can't be read.");
  }
  if (known?.code === "NOT_FOUND") return new Problem(404, "not_found", "There is no such route.");
  if (known?.code === "INVALID_COOKIE_SIGNATURE")
    return new Problem(400, "invalid_cookie", "A cookie is not ours.");
  if (known?.code === "VALIDATION" && known.type !== "response") {
    return new Problem(422, "invalid", "The request has invalid fields.", {
      errors: fieldErrors(known, request),
    });
  }
  return null;
}

export const internalError = new Problem(500, "internal_error", "Something went wrong here; it is logged.");

export function problemDocument(problem: Problem, traceparent: string): ProblemDocument {
  const { errors, extensions } = problem.more;
  return {
    ...extensions,
    type: `urn:tradewind:problem:${problem.code}`,
    title: titles[problem.status] ?? "Error",
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    ...(errors ? { errors } : {}),
    traceId: traceId(traceparent),
  };
}
