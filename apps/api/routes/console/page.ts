/** The web console's page and files. All its addresses show the one page; the script sees which view is meant. */
import { Elysia, t } from "elysia";
import { notFound } from "../../../../platform/errors.ts";
import { ASSETS, consoleBundle } from "../../../console/index.ts";
import type { ApiDeps } from "../../deps.ts";

/** Nothing inline, nothing from elsewhere. `frame-src` is for mails, which bring a stricter policy of their own. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Product files may name pictures that live elsewhere.
  "img-src 'self' data: blob: https:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

export function consolePageRoutes(_deps: ApiDeps) {
  const page = async ({ set }: { set: { headers: Record<string, unknown> } }) => {
    Object.assign(set.headers, pageHeaders);
    return (await consoleBundle()).page;
  };
  return new Elysia({ detail: { tags: ["system"] } })
    .get("/console", page, { detail: { summary: "The web console for operators and merchants" } })
    .get(
      `${ASSETS}:file`,
      async ({ params, set }) => {
        const file = (await consoleBundle()).files.get(params.file);
        if (!file) throw notFound("file");
        set.headers["content-type"] = file.type;
        set.headers["cache-control"] = "public, max-age=31536000, immutable";
        return file.text;
      },
      { params: t.Object({ file: t.String() }), detail: { hide: true } },
    )
    .get("/console/*", page, { detail: { hide: true } });
}
