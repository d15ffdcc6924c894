/**
 * An HTTP/1.1 keep-alive connection for load: one request under way at a time, no more parsing than needed. `fetch`
 * costs as much processor as the server that it would measure.
 */
import type { Socket } from "bun";

export type Answer = { status: number; head: string; body: string };

type Waiting = { resolve(answer: Answer): void; reject(error: Error): void };

export class HttpConnection {
  #socket!: Socket;
  #received = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #closed = false;

  static async open(port: number, host = "127.0.0.1"): Promise<HttpConnection> {
    const connection = new HttpConnection();
    connection.#socket = await Bun.connect({
      hostname: host,
      port,
      socket: {
        data: (_, chunk) => connection.#receive(chunk),
        close: () => connection.#fail(new Error("the server closed the connection")),
        error: (_, error) => connection.#fail(error),
      },
    });
    connection.#socket.setNoDelay(true);
    return connection;
  }

  /** @throws Error when the connection ends before the answer. */
  send(request: string): Promise<Answer> {
    if (this.#closed) return Promise.reject(new Error("the connection is closed"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
  }

  #receive(chunk: Buffer): void {
    this.#received =
      this.#received.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = /content-length: *(\d+)/i.exec(head);
    const body = length ? this.#sized(end + 4, Number(length[1])) : this.#chunked(end + 4, head);
    if (body === undefined) return;
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  #sized(from: number, length: number): string | undefined {
    return this.#received.length < from + length
      ? undefined
      : this.#received.toString("utf8", from, from + length);
  }

  /** Chunks are not put together: who measures streams counts them elsewhere. */
  #chunked(from: number, head: string): string | undefined {
    if (!/transfer-encoding: *chunked/i.test(head)) return "";
    return this.#received.indexOf("0\r\n\r\n", from) < 0 ? undefined : this.#received.toString("utf8", from);
  }

  #fail(error: Error): void {
    this.#closed = true;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** The bytes of a request. */
export function requestText(options: {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  json?: unknown;
}): string {
  const body = options.json === undefined ? "" : JSON.stringify(options.json);
  const headers = {
    host: "127.0.0.1",
    ...(body && { "content-type": "application/json" }),
    ...options.headers,
    ...((body || options.method !== "GET") && { "content-length": String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${options.method} ${options.path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
