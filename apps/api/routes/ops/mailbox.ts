/** The mails that the embedded SMTP server caught. With a real SMTP server there is no mailbox, and these are 404. */
import { Elysia, t } from "elysia";
import { Problem, unavailable } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const PATIENCE_MS = 3_000;

const summary = {
  id: t.String(),
  from: t.String(),
  to: t.Array(t.String()),
  subject: t.String(),
  messageId: t.String(),
  receivedAt: t.String({ format: "date-time" }),
};

/** JSON of the embedded mail catcher. @throws Problem 404 without one, 503 while it is away. */
export async function askMailbox({ config }: ApiDeps, path: string): Promise<Record<string, unknown>> {
  if (!config.mailboxUrl) {
    throw new Problem(404, "no_mailbox", "Mails go to the configured SMTP server; nothing is caught here.");
  }
  const headers = { authorization: `Bearer ${config.stackToken ?? ""}` };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(new URL(path, config.mailboxUrl), { headers, signal }).catch(() => null);
  if (response?.status === 404) throw new Problem(404, "not_found", "There is no such mail.");
  if (!response?.ok) throw unavailable("The mail catcher");
  return response.json() as Promise<Record<string, unknown>>;
}

const NO_MAILBOX = "404 `no_mailbox` where mails go to a real SMTP server.";

export function mailboxRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/mailbox",
      async ({ query }) => {
        const search = new URLSearchParams({ limit: String(query.limit ?? 20) });
        if (query.cursor) search.set("cursor", query.cursor);
        return askMailbox(deps, `/mails?${search}`);
      },
      {
        detail: { summary: "Caught mails, latest first", description: NO_MAILBOX },
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 100 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(t.Object(summary)), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get("/mailbox/:id", async ({ params }) => askMailbox(deps, `/mails/${encodeURIComponent(params.id)}`), {
      detail: { summary: "One mail with its text, HTML and headers", description: NO_MAILBOX },
      params: t.Object({ id: t.String({ pattern: "^[\\w-]{1,64}$" }) }),
      response: documented({
        200: t.Object({
          ...summary,
          text: t.String(),
          html: t.String(),
          headers: t.Array(t.Object({ name: t.String(), value: t.String() })),
        }),
      }),
    });
}
