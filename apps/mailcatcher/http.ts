/** The HTTP door of the mailbox, for the API node that serves /ops/mailbox, and for tests. Loopback, bearer token. */
import { sameSecret } from "../../platform/secrets.ts";
import type { MailStore } from "./store.ts";

export type MailboxDoor = { readonly url: string; readonly port: number; stop(): Promise<void> };

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

export function serveMailbox(store: MailStore, options: { port: number; token: string }): MailboxDoor {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port,
    fetch: request =>
      sameSecret(request.headers.get("authorization") ?? "", `Bearer ${options.token}`)
        ? route(store, new URL(request.url))
        : Response.json({ error: "unauthorized" }, { status: 401 }),
  });
  return { url: `http://127.0.0.1:${server.port}`, port: server.port!, stop: () => server.stop() };
}

async function route(store: MailStore, url: URL): Promise<Response> {
  if (url.pathname === "/healthz") return new Response("ok");
  if (url.pathname === "/mails") {
    const limit = Number(url.searchParams.get("limit") ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
      return Response.json({ error: `limit must be 1 to ${MAX_LIMIT}` }, { status: 422 });
    }
    return Response.json(await store.list({ limit, cursor: url.searchParams.get("cursor") }));
  }
  const id = /^\/mails\/(mail_[0-9a-z]+)$/.exec(url.pathname)?.[1];
  const mail = id ? await store.get(id) : null;
  return mail ? Response.json(mail) : Response.json({ error: "not found" }, { status: 404 });
}
