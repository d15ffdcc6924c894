/**
 * `/openapi.json` and the page that shows it. The page's script and style come from this node (swagger-ui-dist), so that
 * it works without the internet and under a policy that allows nothing else.
 */
import { dirname, join } from "node:path";
import { type AnyElysia, Elysia } from "elysia";
import { Problem } from "../../../platform/errors.ts";

const assets: Record<string, { file: string; type: string }> = {
  "swagger-ui.css": { file: "swagger-ui.css", type: "text/css; charset=utf-8" },
  "swagger-ui-bundle.js": { file: "swagger-ui-bundle.js", type: "text/javascript; charset=utf-8" },
  "favicon.png": { file: "favicon-32x32.png", type: "image/png" },
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tradewind API reference</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>The reference needs JavaScript; the same as JSON: <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null });\n`;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function documentationRoutes(app: () => AnyElysia) {
  const root = dirname(Bun.resolveSync("swagger-ui-dist/package.json", import.meta.dir));
  let document: object | undefined;
  return new Elysia()
    .get(
      "/openapi.json",
      async () => {
        // Loaded for the first who asks: it is a tenth of a node's memory.
        const { openApiDocument } = await import("../http/openapi.ts");
        document ??= openApiDocument(app());
        return document;
      },
      { detail: { summary: "This API as OpenAPI 3.1", tags: ["system"] } },
    )
    .get(
      "/docs",
      ({ set }) => {
        set.headers["content-type"] = "text/html; charset=utf-8";
        set.headers["content-security-policy"] = POLICY;
        set.headers["referrer-policy"] = "no-referrer";
        return PAGE;
      },
      { detail: { summary: "API reference page", tags: ["system"] } },
    )
    .get(
      "/docs/start.js",
      ({ set }) => {
        set.headers["content-type"] = "text/javascript; charset=utf-8";
        return START;
      },
      { detail: { hide: true } },
    )
    .get(
      "/docs/:asset",
      async ({ params, set }) => {
        const asset = assets[params.asset];
        if (!asset) throw new Problem(404, "not_found", "There is no such file.");
        set.headers["content-type"] = asset.type;
        set.headers["cache-control"] = "public, max-age=86400";
        const file = Bun.file(join(root, asset.file));
        return asset.type.startsWith("text/") ? file.text() : new Response(await file.bytes());
      },
      { detail: { hide: true } },
    );
}
