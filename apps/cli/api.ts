/** The HTTP API as commands call it. Problems become one line that says what to do. */
import { CliError } from "./command.ts";
import type { Exchange } from "./resumable.ts";
import type { Stack } from "./stack.ts";

const PATIENCE_MS = 30_000;

type Area = "admin" | "ops" | "none";
type Request = { method?: string; json?: unknown; query?: Record<string, unknown> };

export type Api = {
  /** JSON of `path` under /ops. @throws CliError */
  ops<T>(path: string, request?: Request): Promise<T>;
  admin<T>(path: string, request?: Request): Promise<T>;
  /** Sends a body that is made while it is sent. No time limit but the server's. */
  upload<T>(path: string, body: ReadableStream<Uint8Array>, contentType: string): Promise<T>;
  /** One exchange of a protocol of its own under /admin. No time limit but the caller's and the server's. */
  exchange(path: string, exchange: Exchange): Promise<Headers>;
  /** Status and JSON of a route without a key, at one address. */
  open(url: string): Promise<{ status: number; body: unknown; headers: Headers }>;
};

type ProblemBody = {
  title?: string;
  detail?: string;
  code?: string;
  errors?: { path: string; message: string }[];
};

function sentence(status: number, problem: ProblemBody): string {
  const fields = problem.errors?.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return `${problem.detail ?? problem.title ?? `the API answered ${status}`}${fields ? ` ${fields}` : ""}`;
}

export function createApi(stack: Stack): Api {
  async function send(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if ((error as Error).name === "TimeoutError") {
        throw new CliError(`${stack.api} did not answer within ${PATIENCE_MS / 1_000} s`, "timeout");
      }
      throw new CliError(
        `${stack.api} does not answer: start the stack with \`bun run start\`, or set TRADEWIND_API`,
        "unreachable",
      );
    }
  }

  async function result<T>(response: Response, area: Area): Promise<T> {
    if (response.status === 204) return undefined as T;
    const body = (await response.json().catch(() => ({}))) as T & ProblemBody;
    if (response.ok) return body;
    throw refusal(response.status, body, area);
  }

  function refusal(status: number, body: ProblemBody, area: Area): CliError {
    if (status === 401) {
      const variable = area === "admin" ? "TRADEWIND_SECRET_KEY" : "TRADEWIND_OPS_KEY";
      return new CliError(`the API refuses the key: set ${variable} to a valid one`, "unauthorized", status);
    }
    return new CliError(sentence(status, body), body.code ?? "failed", status);
  }

  function authorization(area: Area): Record<string, string> {
    return area === "none"
      ? {}
      : { authorization: `Bearer ${stack.key(area === "admin" ? "secret" : "ops")}` };
  }

  async function call<T>(
    area: Area,
    path: string,
    { method = "GET", json, query = {} }: Request = {},
  ): Promise<T> {
    const url = new URL(stack.api + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = authorization(area);
    if (json !== undefined) headers["content-type"] = "application/json";
    const body = json === undefined ? null : JSON.stringify(json);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return result(await send(url.href, { method, headers, body, signal }), area);
  }

  return {
    ops: (path, request) => call("ops", `/ops${path}`, request),
    admin: (path, request) => call("admin", `/admin${path}`, request),
    async upload(path, body, contentType) {
      const headers = { ...authorization("admin"), "content-type": contentType };
      return result(await send(`${stack.api}/admin${path}`, { method: "POST", headers, body }), "admin");
    },
    async exchange(path, { method, headers, body, signal }) {
      const init: RequestInit = { method, headers: { ...authorization("admin"), ...headers } };
      if (body) init.body = body;
      if (signal) init.signal = signal;
      const response = await send(`${stack.api}/admin${path}`, init);
      if (response.ok) return response.headers;
      const problem = (await response.json().catch(() => ({}))) as ProblemBody;
      throw refusal(response.status, problem, "admin");
    },
    async open(url) {
      const response = await send(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
      return {
        status: response.status,
        body: await response.json().catch(() => null),
        headers: response.headers,
      };
    },
  };
}
