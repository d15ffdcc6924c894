/**
 * The messages of pulls, read a chunk of the socket at a time. The client's parser goes byte by byte, and makes four views of
 * each message, each decoded by itself: together with its headers that was a third of what a no-op job costs a worker.
 * Here a chunk becomes one text, and a message is some slices of it.
 *
 * We stand before the client's parser. What we know, whole messages with headers and a reply for a subscription that was
 * given here, goes to its receiver; the first thing that is anything else (a ping, a status, another subscription, a
 * long message that does not end in this chunk), and all that follows it in the chunk, goes to the parser as ever, and so
 * do further chunks until it stands between two messages again. A short message that the chunk's end cuts is kept and
 * put before the next chunk. A new connection has a new parser, and begins with nothing kept. Where the client shows no
 * parser (another version) every message goes the client's way: {@link readByChunks} only makes it faster.
 */
import { isAscii } from "node:buffer";
import type { MsgHdrs, NatsConnection, Subscription } from "nats";

/** What a worker sees of a message, whichever way it came. */
export type JobMessage = {
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
  /** The headers as they came, where they were not made an object of. */
  readonly head?: string | undefined;
  string(): string;
};

type Receive = (message: JobMessage) => void;

/** What we know of the client's inside. */
type Parser = { state: number; readonly dispatcher: object; parse(chunk: Uint8Array): void };
type Shown = { readonly protocol?: { readonly parser?: Parser } };

/** The parser's state between two messages. */
const OP_START = 0;
/** A message of which more than this would have to be kept goes to the parser, which copies it once. */
const KEPT_MAX = 65_536;

const MESSAGE = "HMSG ";
const PLAIN_HEAD = "NATS/1.0\r\n";

/** By the client's protocol handler, which stays the same over reconnects: receivers by subscription id. */
const receivers = new WeakMap<object, Map<string, Receive>>();
const kept = new WeakMap<Parser, Uint8Array>();
const taught = new WeakSet<object>();

/** Gives messages of the subscription to `receive` instead of its callback, which gets what is left. Returns the way to stop. */
export function readByChunks(nc: NatsConnection, subscription: Subscription, receive: Receive): () => void {
  const protocol = (nc as unknown as Shown).protocol;
  if (!protocol?.parser || typeof protocol.parser.state !== "number") return () => {};
  teach(Object.getPrototypeOf(protocol.parser));
  const bySid = receivers.get(protocol) ?? new Map<string, Receive>();
  receivers.set(protocol, bySid);
  const sid = String(subscription.getID());
  bySid.set(sid, receive);
  return () => bySid.delete(sid);
}

/** All connections share the parser's class: it learns this once. */
function teach(prototype: Parser): void {
  if (taught.has(prototype)) return;
  taught.add(prototype);
  const { parse } = prototype;
  prototype.parse = function (this: Parser, chunk: Uint8Array): void {
    const before = kept.get(this);
    if (before) kept.delete(this);
    const bySid = this.state === OP_START ? receivers.get(this.dispatcher) : undefined;
    const bytes = before ? Buffer.concat([before, chunk]) : chunk;
    const read = bySid && bySid.size > 0 ? readAll(bytes, bySid) : { end: 0, isCut: false };
    if (read.end === bytes.length) return;
    // The rest is copied if it is kept: the socket may use the chunk again.
    if (read.isCut) kept.set(this, Uint8Array.from(bytes.subarray(read.end)));
    else parse.call(this, read.end === 0 ? bytes : bytes.subarray(read.end));
  };
}

type Read = {
  /** Where reading ended. */
  end: number;
  /** What is left is the beginning of a message that is ours, or may be. */
  isCut: boolean;
};

function readAll(bytes: Uint8Array, bySid: Map<string, Receive>): Read {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const isPlain = isAscii(bytes);
  const length = text.length;
  let at = 0;
  while (at < length) {
    if (!text.startsWith(MESSAGE, at)) return { end: at, isCut: MESSAGE.startsWith(text.slice(at)) };
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return { end: at, isCut: length - at < KEPT_MAX };
    // HMSG <subject> <sid> <reply> <length of headers> <length>
    const subjectEnd = text.indexOf(" ", at + MESSAGE.length);
    const sidEnd = text.indexOf(" ", subjectEnd + 1);
    const receive = bySid.get(text.slice(subjectEnd + 1, sidEnd));
    if (!receive) return { end: at, isCut: false };
    const replyEnd = text.indexOf(" ", sidEnd + 1);
    const headEnd = text.indexOf(" ", replyEnd + 1);
    const from = lineEnd + 2;
    const headLength = Number(text.slice(replyEnd + 1, headEnd));
    const total = Number(text.slice(headEnd + 1, lineEnd));
    // Without a reply there is a word less: a status.
    if (headEnd < 0 || headEnd > lineEnd || !(headLength <= total)) return { end: at, isCut: false };
    const end = from + total + 2;
    if (end > length) return { end: at, isCut: end - at < KEPT_MAX };
    if (!text.startsWith(PLAIN_HEAD, from)) return { end: at, isCut: false };
    receive(
      new ChunkMessage(
        text.slice(at + MESSAGE.length, subjectEnd),
        text.slice(sidEnd + 1, replyEnd),
        text.slice(from, from + headLength),
        text.slice(from + headLength, end - 2),
        isPlain,
      ),
    );
    at = end;
  }
  return { end: at, isCut: false };
}

class ChunkMessage implements JobMessage {
  readonly subject: string;
  readonly reply: string;
  readonly head: string;
  /** A character is a byte. */
  readonly #body: string;
  readonly #isPlain: boolean;

  constructor(subject: string, reply: string, head: string, body: string, isPlain: boolean) {
    this.subject = isPlain ? subject : utf8(subject);
    this.reply = reply;
    this.head = isPlain ? head : utf8(head);
    this.#body = body;
    this.#isPlain = isPlain;
  }

  get data(): Uint8Array {
    return Buffer.from(this.#body, "latin1");
  }

  string(): string {
    return this.#isPlain ? this.#body : utf8(this.#body);
  }
}

/** As the client decodes: what is no UTF-8 is replaced. */
function utf8(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
