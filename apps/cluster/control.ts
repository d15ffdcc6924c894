/**
 * The supervisor's own door, for the `tradewind` command on this machine: a loopback port that stack.json names, opened
 * by the token that stands there too, and that only the owner can read.
 *
 * `POST /restart` `{ "what": ["api"] }` → 200, a line of JSON for each process that was replaced, at last
 * `{"done":true}` or `{"error":"…"}`. The restart goes on when its caller leaves.
 */
import type { Log } from "../../platform/log.ts";
import { sameSecret } from "../../platform/secrets.ts";
import { NotReplaced } from "./crew.ts";
import { type Restartable, type Rolling, restartable } from "./rolling.ts";

export type Control = { readonly url: string; close(): void };

export function openControl(options: { token: string; rolling: Rolling; log: Log }): Control {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: 10_000,
    error: () => answer(500, "the supervisor failed to answer"),
    async fetch(request, server) {
      const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
      if (!sameSecret(token, options.token)) return answer(401, "the token of stack.json is wanted");
      if (request.method !== "POST" || new URL(request.url).pathname !== "/restart")
        return answer(404, "there is POST /restart");
      const what = whatOf(await request.json().catch(() => null));
      if (!what) return answer(422, `what must be a list of ${restartable.join(", ")}`);
      if (!options.rolling.isIdle) return answer(409, "another restart goes on");
      server.timeout(request, 0);
      return restart(options, what);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, close: () => void server.stop(true) };
}

const answer = (status: number, error: string) => Response.json({ error }, { status });

function whatOf(body: unknown): Restartable[] | null {
  const what = (body as { what?: unknown } | null)?.what;
  const known = (one: unknown) => restartable.includes(one as Restartable);
  return Array.isArray(what) && what.length > 0 && what.every(known) ? (what as Restartable[]) : null;
}

function restart({ rolling, log }: { rolling: Rolling; log: Log }, what: Restartable[]): Response {
  let isRead = true;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const say = (line: object) => {
        if (isRead) controller.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
      };
      try {
        await rolling.restart(what, say);
        say({ done: true });
      } catch (error) {
        if (!(error instanceof NotReplaced)) log.error({ err: error }, "a restart failed");
        say({ error: (error as Error).message });
      }
      if (isRead) controller.close();
    },
    cancel() {
      isRead = false;
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}
