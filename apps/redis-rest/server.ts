/**
 * The REST front of the embedded Redis: what `@upstash/redis` speaks, as far as Tradewind and its client need it.
 *
 * `POST /` one command, `/pipeline` many (each with its own result or error), `/multi-exec` many in one transaction.
 * All of them want the bearer token. With `Upstash-Encoding: base64` strings go out as base64 of their UTF-8 bytes.
 *
 * One connection serves everybody: the commands of one request are sent in one go, so nothing comes between MULTI and
 * EXEC; what would block the connection or change its state is refused.
 */
import type { RedisClient, Server } from "bun";
import { sameSecret } from "../../platform/secrets.ts";
import { type Connection, keepConnected } from "./connection.ts";

export type RedisRest = { readonly url: string; readonly port: number; stop(): Promise<void> };

type Command = [string, ...(string | number | boolean)[]];
type Reply = { result: unknown } | { error: string };

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_COMMANDS = 10_000;
const refused = new Set(
  "AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT CONFIG DEBUG DISCARD EXEC HELLO MONITOR MULTI PSUBSCRIBE QUIT RESET SELECT SHUTDOWN SSUBSCRIBE SUBSCRIBE SYNC UNWATCH WAIT WATCH".split(
    " ",
  ),
);

export function serveRedisRest(options: { redisUrl: string; token: string; port: number }): RedisRest {
  const connection = keepConnected(options.redisUrl);
  const server: Server<undefined> = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: request => answer(connection, options.token, request),
  });
  const stop = async () => {
    await server.stop();
    connection.close();
  };
  return { url: `http://127.0.0.1:${server.port}`, port: server.port!, stop };
}

async function answer(connection: Connection, token: string, request: Request): Promise<Response> {
  if (!sameSecret(request.headers.get("authorization") ?? "", `Bearer ${token}`)) {
    return Response.json({ error: "Unauthorized" }, { status: 401 });
  }
  if (request.method !== "POST") return Response.json({ error: "ERR only POST is served" }, { status: 405 });
  const encode = request.headers.get("upstash-encoding") === "base64" ? base64 : (value: unknown) => value;
  const body = await request.json().catch(() => undefined);
  let client: RedisClient;
  try {
    client = connection.client();
  } catch (error) {
    return Response.json({ error: (error as Error).message }, { status: 400 });
  }
  switch (new URL(request.url).pathname) {
    case "/":
      return one(client, body, encode);
    case "/pipeline":
      return many(body, encode, commands => Promise.all(commands.map(command => reply(client, command))));
    case "/multi-exec":
      return many(body, encode, commands => multiExec(client, commands));
    default:
      return Response.json({ error: "ERR no such path" }, { status: 404 });
  }
}

type Encode = (value: unknown) => unknown;

async function one(client: RedisClient, body: unknown, encode: Encode): Promise<Response> {
  if (!isCommand(body)) return malformed();
  const sent = await reply(client, body);
  return "error" in sent
    ? Response.json(sent, { status: 400 })
    : Response.json({ result: encode(sent.result) });
}

async function many(
  body: unknown,
  encode: Encode,
  run: (commands: Command[]) => Promise<Reply[] | { error: string }>,
): Promise<Response> {
  if (!Array.isArray(body) || body.length > MAX_COMMANDS || !body.every(isCommand)) return malformed();
  const replies = await run(body);
  if (!Array.isArray(replies)) return Response.json(replies, { status: 400 });
  return Response.json(replies.map(sent => ("error" in sent ? sent : { result: encode(sent.result) })));
}

function malformed(): Response {
  return Response.json({ error: "ERR the body must be a command, or a list of commands" }, { status: 400 });
}

function isCommand(value: unknown): value is Command {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    typeof value[0] === "string" &&
    value.every(part => ["string", "number", "boolean"].includes(typeof part))
  );
}

async function reply(client: RedisClient, command: Command): Promise<Reply> {
  if (refused.has(command[0].toUpperCase())) return { error: `ERR ${command[0]} is not served over REST` };
  try {
    return { result: await send(client, command) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function send(client: RedisClient, [name, ...parameters]: Command): Promise<unknown> {
  return client.send(name, parameters.map(String));
}

async function multiExec(client: RedisClient, commands: Command[]): Promise<Reply[] | { error: string }> {
  const bad = commands.find(command => refused.has(command[0].toUpperCase()));
  if (bad) return { error: `ERR ${bad[0]} is not served over REST` };
  // Sent without waiting in between, so that no command of another request can slip in.
  const sent = [
    send(client, ["MULTI"]),
    ...commands.map(command => send(client, command)),
    send(client, ["EXEC"]),
  ];
  const settled = await Promise.allSettled(sent);
  const last = settled.at(-1)!;
  if (last.status === "rejected") {
    const cause = settled.find(one => one.status === "rejected")!;
    return { error: (cause.reason as Error).message };
  }
  return (last.value as unknown[]).map(value =>
    value instanceof Error ? { error: value.message } : { result: value },
  );
}

function base64(value: unknown): unknown {
  if (typeof value === "string") return value === "OK" ? value : Buffer.from(value).toString("base64");
  return Array.isArray(value) ? value.map(base64) : value;
}
