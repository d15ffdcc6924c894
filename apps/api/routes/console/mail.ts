/**
 * The HTML of a caught mail, for the console's preview. Mails hold what customers typed and what templates may get wrong,
 * so the answer brings a policy of its own: no script, no request, no form, an origin of its own; frames by us alone.
 */
import { Elysia, t } from "elysia";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { askMailbox } from "../ops/mailbox.ts";

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; " +
  "frame-ancestors 'self'; sandbox";

export function consoleMailRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/console", detail: { tags: ["console"] } }).use(opsAuth(deps)).get(
    "/mail/:id",
    async ({ params, set }) => {
      const mail = await askMailbox(deps, `/mails/${encodeURIComponent(params.id)}`);
      set.headers["content-type"] = "text/html; charset=utf-8";
      set.headers["content-security-policy"] = POLICY;
      set.headers["referrer-policy"] = "no-referrer";
      return String(mail.html ?? "");
    },
    {
      params: t.Object({ id: t.String({ pattern: "^[\\w-]{1,64}$" }) }),
      detail: {
        summary: "A caught mail's HTML, for the console's preview",
        description:
          "Served with a policy under which it can run and load nothing. 404 `no_mailbox` where mails go to a real SMTP server.",
      },
    },
  );
}
