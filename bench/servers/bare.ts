/** What an answer costs at least: one Elysia route with fixed bytes and headers, which it is sent first, by POST. */
import { Elysia } from "elysia";
import { loadConfig } from "../../platform/config.ts";

let answer = { body: new Uint8Array(), headers: new Headers() };

new Elysia({ precompile: true })
  .get("/readyz", () => "ready")
  .post(
    "/answer",
    async ({ request }) => {
      const { body, headers } = (await request.json()) as { body: string; headers: Record<string, string> };
      answer = { body: new TextEncoder().encode(body), headers: new Headers(headers) };
      return "kept";
    },
    { parse: "none" },
  )
  .get("/store/*", () => new Response(answer.body, { headers: answer.headers }))
  .listen({ port: loadConfig(process.env).nodePort, hostname: "127.0.0.1" });
