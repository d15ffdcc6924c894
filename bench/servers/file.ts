/** Bare `Bun.serve` with one file; its path is the first line that it is sent, by POST. */
import { loadConfig } from "../../platform/config.ts";

let path = "";

Bun.serve({
  port: loadConfig(process.env).nodePort,
  hostname: "127.0.0.1",
  async fetch(request) {
    if (request.method !== "POST") return path ? new Response(Bun.file(path)) : new Response("ready");
    path = (await request.text()).trim();
    return new Response();
  },
});
