/**
 * The SMTP side: takes any mail of a client that knows the secret; says 250 only when the mail is safe on disk.
 *
 * As much of RFC 5321 as a client of ours speaks: EHLO, AUTH PLAIN and LOGIN (RFC 4954), pipelining (RFC 2920), SIZE,
 * 8BITMIME, SMTPUTF8. No TLS: loopback only, the secret keeps other users of this machine out.
 */
import type { Socket } from "bun";
import { SmtpSession } from "./session.ts";
import type { MailStore } from "./store.ts";

export const SMTP_USER = "tradewind";

export type Smtp = { readonly port: number; stop(): Promise<void> };

/** `isReading`: answers to what has come together leave together. */
type Connection = { readonly session: SmtpSession; unsent: Buffer; isReading: boolean };

export async function serveSmtp(store: MailStore, options: { port: number; token: string }): Promise<Smtp> {
  const server = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port: options.port,
    socket: {
      open(socket) {
        const client = { send: (line: string) => send(socket, line), end: () => end(socket) };
        const session = new SmtpSession(store, { user: SMTP_USER, token: options.token }, client);
        socket.data = { session, unsent: Buffer.alloc(0), isReading: false };
        session.greet();
      },
      data(socket, chunk) {
        socket.data.isReading = true;
        socket.data.session.receive(chunk);
        socket.data.isReading = false;
        flush(socket);
      },
      drain: socket => flush(socket),
      // A client that hangs up is no reason to end.
      error() {},
    },
  });
  return { port: server.port, stop: async () => server.stop(true) };
}

function send(socket: Socket<Connection>, line: string): void {
  socket.data.unsent = Buffer.concat([socket.data.unsent, Buffer.from(`${line}\r\n`)]);
  flush(socket);
}

function flush(socket: Socket<Connection>): void {
  const { unsent, isReading } = socket.data;
  if (isReading || unsent.length === 0) return;
  const written = socket.write(unsent);
  socket.data.unsent = written > 0 ? unsent.subarray(written) : unsent;
}

function end(socket: Socket<Connection>): void {
  socket.data.isReading = false;
  flush(socket);
  socket.end();
}
