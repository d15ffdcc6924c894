/**
 * A refusal that the caller can act on. Thrown by services and routes; the API turns it into
 * `application/problem+json` (RFC 9457) in one place. Anything else that is thrown is a defect and becomes a bare 500.
 */
export type FieldError = { path: string; message: string };

/** Members that the document has anyway; an extension of that name would take their place. */
type Reserved = "type" | "title" | "status" | "detail" | "code" | "errors" | "traceId";
export type Extensions = Readonly<Record<string, unknown>> & { readonly [K in Reserved]?: never };

export class Problem extends Error {
  override name = "Problem";
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** A stable snake_case word that programs switch on. */
    readonly code: string,
    /** What is wrong and what to do, for people. Never holds a secret or the echo of input longer than 80 characters. */
    readonly detail: string,
    readonly more: {
      errors?: FieldError[];
      headers?: Record<string, string>;
      /** Further members of the problem document, as RFC 9457 allows. */
      extensions?: Extensions;
    } = {},
  ) {
    super(detail);
  }
}

export function notFound(what: string): Problem {
  return new Problem(404, "not_found", `There is no such ${what}.`);
}

export function invalid(errors: FieldError[], detail = "The request has invalid fields."): Problem {
  return new Problem(422, "invalid", detail, { errors });
}

export function conflict(code: string, detail: string, extensions?: Extensions): Problem {
  return new Problem(409, code, detail, extensions ? { extensions } : {});
}

export function unavailable(what: string, retryAfterSeconds = 1): Problem {
  return new Problem(503, "unavailable", `${what} does not answer right now; try again.`, {
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** For a write whose `If-Match` names another version than the one that stands. */
export function stale(version: number): Problem {
  return new Problem(412, "stale", "It was changed meanwhile; read it again and repeat the change.", {
    headers: { etag: `"${version}"` },
    extensions: { version },
  });
}
