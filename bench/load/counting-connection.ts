/**
 * A keep-alive connection for load that looks at the status and the length of an answer and lets the rest pass, so that
 * large bodies cost the generator little. Opens itself again when the server closes it between two answers.
 */
import type { Socket } from "bun";

const MAX_HEAD = 4_096;
const END_OF_CHUNKS = "0\r\n\r\n";

/** Status 0: the connection ended before the answer. `text`: the beginning of the answer, head included. */
export type Ended = (status: number, text: string) => void;

export class CountingConnection {
  readonly #port: number;
  #socket: Socket | undefined;
  #onEnd: Ended | undefined;
  #status = 0;
  #text = "";
  /** Of the answer under way: bytes that are missing; undefined before its head, -1 for chunks of unknown length. */
  #missing: number | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#port,
      socket: {
        data: (_, chunk) => this.#receive(chunk),
        close: from => this.#closed(from),
        error: from => this.#closed(from),
      },
    });
    this.#socket.setNoDelay(true);
  }

  /** One at a time. */
  send(request: string, onEnd: Ended): void {
    this.#onEnd = onEnd;
    this.#missing = undefined;
    this.#text = "";
    if (this.#socket) this.#write(this.#socket, request);
    else
      this.open().then(
        () => this.#write(this.#socket!, request),
        () => this.#lost(),
      );
  }

  close(): void {
    this.#onEnd = undefined;
    this.#socket?.end();
  }

  #write(socket: Socket, request: string): void {
    const bytes = Buffer.byteLength(request);
    // Requests fit into the socket's buffer; one that does not ends the connection and is counted as lost.
    if (socket.write(request) < bytes) socket.end();
  }

  #receive(chunk: Buffer): void {
    if (this.#onEnd === undefined) return;
    if (this.#missing === undefined) {
      this.#text += chunk.toString("latin1", 0, Math.min(chunk.length, MAX_HEAD));
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#status = Number(this.#text.slice(9, 12));
      const length = /content-length: *(\d+)/i.exec(this.#text.slice(0, end));
      const isChunked = !length && /transfer-encoding: *chunked/i.test(this.#text.slice(0, end));
      if (isChunked) this.#missing = -1;
      else this.#missing = end + 4 + Number(length?.[1] ?? 0) - (this.#text.length - chunkHead(chunk));
    }
    if (this.#missing === -1) {
      if (chunk.toString("latin1", Math.max(0, chunk.length - END_OF_CHUNKS.length)) === END_OF_CHUNKS)
        this.#end();
      return;
    }
    this.#missing -= chunk.length;
    if (this.#missing <= 0) this.#end();
  }

  #end(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    if (/^connection: *close/im.test(this.#text)) {
      this.#socket?.end();
      this.#socket = undefined;
    }
    onEnd?.(this.#status, this.#text);
  }

  /** The end of a socket that was given up before is nobody's loss. */
  #closed(socket: Socket): void {
    if (socket === this.#socket) this.#lost();
  }

  #lost(): void {
    this.#socket = undefined;
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(0, this.#text);
  }
}

/** How much of the chunk is in the text already. */
const chunkHead = (chunk: Buffer) => Math.min(chunk.length, MAX_HEAD);
