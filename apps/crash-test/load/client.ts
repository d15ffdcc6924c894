/**
 * A client as shops have them: it asks again, with the same key, until it gets an answer that says something, and no sooner than
 * a refusal asks for (`Retry-After`). What says nothing: no answer, one that was cut off, 5xx, 429, and 409 `in_progress`.
 */
import type { Answer, Item } from "../journal.ts";

export type Call = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: unknown;
};

/** Longer than the lease of a checkout whose node died, and than the longest absence of a server. */
const PATIENCE_MS = 60_000;
const ANSWER_MS = 5_000;
const PAUSE_MS = 100;

export class GaveUp extends Error {
  override name = "GaveUp";
}

/** One try. @throws when there is no whole answer. */
export async function once(origin: string, { method, path, headers, body }: Call): Promise<Answer> {
  const form = body instanceof FormData;
  const response = await fetch(origin + path, {
    method,
    headers: { ...headers, ...(body !== undefined && !form && { "content-type": "application/json" }) },
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
  });
  const retryAfterMs = 1_000 * Number(response.headers.get("retry-after") ?? 0);
  return { status: response.status, body: (await response.json()) as Record<string, unknown>, retryAfterMs };
}

/** Waits before the next try, for as long as the last answer asks. Not all at the same moment. */
export function pauseAfter(answer: Answer | Error): Promise<void> {
  const pauseMs = (!(answer instanceof Error) && answer.retryAfterMs) || PAUSE_MS;
  return Bun.sleep(pauseMs * (1 + Math.random()));
}

/** `origins` may choose another way for each try. @throws GaveUp */
export async function persist(item: Item, origin: () => string, call: Call): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    const answer = await once(origin(), call).catch((error: Error) => error);
    const said = answer instanceof Error ? `no answer: ${answer.message}` : sayOf(answer);
    item.note(`${call.method} ${call.path} (${attempt}): ${said}`);
    if (!(answer instanceof Error) && saysSomething(answer)) return answer;
    if (Date.now() > deadline) {
      item.gaveUp = true;
      throw new GaveUp(`${item.name}: ${said}`);
    }
    await pauseAfter(answer);
  }
}

function saysSomething({ status, body }: Answer): boolean {
  return status < 500 && status !== 429 && body.code !== "in_progress";
}

function sayOf({ status, body }: Answer): string {
  return [status, body.code ?? body.id ?? ""].join(" ");
}
