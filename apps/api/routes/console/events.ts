/** The console's live stream. It ends with the session that opened it. */
import { Elysia } from "elysia";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { consoleSessions, consoleToken } from "../../http/console-session.ts";
import { listening, type SseEvent, sseResponse } from "../../http/sse.ts";
import { createLive } from "./live.ts";

export function consoleEventRoutes(deps: ApiDeps) {
  const live = createLive(deps);

  /** Asked with each event: a log-out or revocation ends the stream within seconds. */
  async function isOpen(headers: Headers): Promise<boolean> {
    const token = headers.has("authorization") ? undefined : consoleToken(headers);
    if (token === undefined) return true;
    const session = await consoleSessions.get(deps.sql, token).catch(() => undefined);
    // Not known while the database is away: the session was good when the stream was opened.
    return session === undefined || (session?.ops ?? null) !== null;
  }

  async function* whileOpen(
    headers: Headers,
    events: AsyncIterable<SseEvent>,
  ): AsyncGenerator<SseEvent, void> {
    for await (const event of events) {
      if (!(await isOpen(headers))) {
        yield { event: "ended", data: {} };
        return;
      }
      yield event;
    }
  }

  return new Elysia({ prefix: "/console", detail: { tags: ["console"] } }).use(opsAuth(deps)).get(
    "/events",
    ({ request }) => {
      const { signal, stop } = listening(request, deps.drain);
      return sseResponse(whileOpen(request.headers, live.listen(signal)), { stop });
    },
    {
      detail: {
        summary: "The pools, once a second (server-sent events)",
        description:
          "`history` with up to five minutes of points, then `pools` (as `GET /ops/pools`, with `status` and `at`) or `away` " +
          "(what does not answer); `ended` when the session is over. Takes an ops key as well as the console's session.",
      },
    },
  );
}
