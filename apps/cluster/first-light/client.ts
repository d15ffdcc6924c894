/** The journey's way to the API: one call, one refusal that names what was asked. */
import type { Keys } from "../home.ts";

export type Caller = {
  store<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>;
  admin<T>(method: string, path: string, body?: unknown): Promise<T>;
  ops<T>(path: string): Promise<T>;
};

const ANSWER_MS = 30_000;
/** What is done by jobs takes its time on a machine that does a lot else: pictures have the lowest priority there is. */
const PATIENCE_MS = 90_000;

export function caller(origin: string, keys: Keys): Caller {
  const call = async <T>(method: string, path: string, headers: Record<string, string>, body?: unknown) => {
    const form = body instanceof FormData;
    const response = await fetch(origin + path, {
      method,
      headers: { ...headers, ...(body !== undefined && !form && { "content-type": "application/json" }) },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    });
    if (response.ok) return (await response.json()) as T;
    throw new Error(`${method} ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`);
  };
  return {
    store: (method, path, body, headers) =>
      call(method, path, { "x-publishable-key": keys.publishable ?? "", ...headers }, body),
    admin: (method, path, body) => call(method, path, { authorization: `Bearer ${keys.secret}` }, body),
    ops: path => call("GET", path, { authorization: `Bearer ${keys.ops}` }),
  };
}

/** Asks until `check` gives something. @throws after {@link PATIENCE_MS}, saying what did not come. */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
    await Bun.sleep(25);
  }
}
