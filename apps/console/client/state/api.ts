/** The API as the console calls it: same origin, by the session's cookie. A refusal is an {@link ApiError} that says what to do. */

/** What no form and no page of another origin can send; the API wants it on every change. */
export const MARK = { "x-tradewind-console": "1" };

export type FieldError = { path: string; message: string };

export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: FieldError[] = [],
    readonly traceId = "",
  ) {
    super(message);
  }
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Calls back when the API no longer knows our session. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

export function sessionIsOver(): void {
  for (const listener of signedOut) listener();
}

type Problem = { code?: string; detail?: string; title?: string; errors?: FieldError[]; traceId?: string };

/** @param body the answer's JSON, or null when it had none */
export function errorOf(status: number, body: Problem | null): ApiError {
  const text = body?.detail ?? body?.title ?? `The server answered ${status}.`;
  return new ApiError(status, body?.code ?? "failed", text, body?.errors ?? [], body?.traceId ?? "");
}

export type Ask = {
  method?: string;
  json?: unknown;
  query?: Query;
  signal?: AbortSignal;
  headers?: Record<string, string>;
};
export type Query = Record<string, string | number | boolean | null | undefined>;

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** JSON of a route; undefined when it answers without a body. @throws ApiError */
export async function ask<T>(
  path: string,
  { method = "GET", json, query, signal, headers = {} }: Ask = {},
): Promise<T> {
  const init: RequestInit = { method, headers: { ...MARK, ...headers }, credentials: "same-origin" };
  if (signal) init.signal = signal;
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    (init.headers as Record<string, string>)["content-type"] = "application/json";
  }
  const response = await reach(withQuery(path, query), init);
  const body = response.status === 204 ? undefined : await response.json().catch(() => null);
  if (response.ok) return body as T;
  const error = errorOf(response.status, body as Problem | null);
  if (error.status === 401 && path !== "/console/session") sessionIsOver();
  throw error;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The server does not answer. The console goes on trying.");
  }
}
