/** What is read by chunks is what the client's parser reads, wherever the chunks end. */
import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { headers, type NatsConnection } from "nats";
import { silentLog } from "../platform/log.ts";
import { freshNats, until } from "../platform/testing/index.ts";
import { type JobMessage, readByChunks } from "./chunk-reader.ts";
import { openConnection } from "./connection.ts";
import { headerReader } from "./headers.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function connected(): Promise<NatsConnection> {
  const nats = await freshNats();
  const connection = openConnection({ url: nats.url, name: "test", log: silentLog });
  closers.push(nats.release, () => connection.close());
  await connection.ready;
  return connection.nc;
}

type Event = {
  kind: number;
  msg?: { subject: Uint8Array; reply?: Uint8Array; sid: number; hdr: number };
  data?: Uint8Array;
};
type Parser = { parse(chunk: Uint8Array): void };
type Inside = { protocol: { parser: Parser } };

const HEAD = "NATS/1.0\r\nTw-Job: é 1 1 1\r\n\r\n";
const bytesOf = (text: string) => Buffer.byteLength(text);

/** A message for subscription `sid`; the seventh has no headers, the eighth is a status without a reply. */
const message = (sid: number) =>
  fc.tuple(fc.string({ unit: "binary", maxLength: 40 }), fc.boolean()).map(([body, isLong]) => {
    const payload = isLong ? body.repeat(20) : body;
    const total = bytesOf(HEAD) + bytesOf(payload);
    if (sid === 7) return `MSG some.subject 7 a.reply ${bytesOf(payload)}\r\n${payload}\r\n`;
    if (sid === 8) return "HMSG _INBOX.1 1 30 30\r\nNATS/1.0 100 Idle Heartbeat\r\n\r\n\r\n";
    return `HMSG low.kind.ö ${sid} $JS.ACK.LOW.kind.1.2.3.4.5 ${bytesOf(HEAD)} ${total}\r\n${HEAD}${payload}\r\n`;
  });
const piece = fc.oneof(
  { weight: 6, arbitrary: message(1) },
  { weight: 2, arbitrary: message(2) },
  message(7),
  message(8),
  fc.constantFrom("PING\r\n", "PONG\r\n", "+OK\r\n"),
);

test("in streams of everything, cut anywhere, each message comes once, in its order, and whole", async () => {
  const nc = await connected();
  const ParserOf = Object.getPrototypeOf((nc as unknown as Inside).protocol.parser).constructor as new (d: {
    push(event: Event): void;
  }) => Parser;
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("utf8");
  const shown = ({ kind, msg, data }: Event) =>
    msg && msg.hdr >= 0 && msg.reply?.length
      ? `${msg.sid} ${text(msg.subject)} ${text(msg.reply)} ${text(data)}`
      : `${kind} ${msg?.sid ?? ""} ${text(data)}`;

  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 400 })),
      (pieces, sizes) => {
        const bytes = Buffer.from(pieces.join(""));
        const plainly: string[] = [];
        new ParserOf({ push: event => plainly.push(shown(event)) }).parse(bytes);

        const read: string[] = [];
        const dispatcher = { push: (event: Event) => void read.push(shown(event)) };
        const parser = new ParserOf(dispatcher);
        const forget = readByChunks(
          { protocol: Object.assign(dispatcher, { parser }) } as unknown as NatsConnection,
          { getID: () => 1 } as never,
          one => read.push(`1 ${one.subject} ${one.reply} ${one.head}${one.string()}`),
        );
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % (sizes.length || 1)] ?? bytes.length;
          parser.parse(bytes.subarray(at, at + size));
          at += size;
        }
        forget();
        expect(read).toEqual(plainly);
      },
    ),
    { numRuns: 500 },
  );
});

test("messages of a server come to the reader, long ones and all others to the callback", async () => {
  const nc = await connected();
  const byChunks: JobMessage[] = [];
  const byClient: JobMessage[] = [];
  const subscription = nc.subscribe("seen.>", { callback: (_, msg) => byClient.push(msg) });
  const forget = readByChunks(nc, subscription, one => byChunks.push(one));
  const head = headers();
  head.set("Tw-Job", "0199 1 1 1764470000000 order:%C3%A9t%C3%A9 u");
  head.append("Twice", "first");
  head.append("Twice", "second");
  const send = (body: string, reply = "an.inbox") => nc.publish("seen.ä", body, { headers: head, reply });
  send('{"title":"Zürich 🏔️"}');
  send("");
  nc.publish("seen.b", "no headers", { reply: "an.inbox" });
  send("x".repeat(300_000));
  await nc.flush();
  await until(() => byChunks.length + byClient.length === 4, { what: "four messages" });

  expect(byChunks.slice(0, 2).map(one => one.string())).toEqual(['{"title":"Zürich 🏔️"}', ""]);
  const [first] = byChunks;
  expect(first).toMatchObject({ subject: "seen.ä", reply: "an.inbox" });
  expect(Buffer.from(first!.data).toString()).toBe(first!.string());
  const read = headerReader(first!);
  expect(["Tw-Job", "Twice", "tw-job", "Missing"].map(read)).toEqual([
    "0199 1 1 1764470000000 order:%C3%A9t%C3%A9 u",
    "first",
    "",
    "",
  ]);
  expect(byClient.map(one => one.string())).toEqual(["no headers", "x".repeat(300_000)]);
  expect(headerReader(byClient[1]!)("Tw-Job")).toBe(read("Tw-Job"));

  forget();
  send("after that");
  await nc.flush();
  await until(() => byClient.length === 3, { what: "the client's way" });
});
