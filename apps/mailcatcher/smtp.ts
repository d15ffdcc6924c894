/** The SMTP side: takes any mail of a client that knows the secret; says 250 only when the mail is safe on disk. */
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { sameSecret } from "../../platform/secrets.ts";
import type { MailStore } from "./store.ts";

export const SMTP_USER = "tradewind";
const MAX_MAIL_BYTES = 25 * 1024 * 1024;

export type Smtp = { readonly port: number; stop(): Promise<void> };

export async function serveSmtp(store: MailStore, options: { port: number; token: string }): Promise<Smtp> {
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    // Loopback only; the secret keeps other users of this machine out.
    allowInsecureAuth: true,
    size: MAX_MAIL_BYTES,
    onAuth: (auth, _session, done) => {
      const known = auth.username === SMTP_USER && sameSecret(auth.password ?? "", options.token);
      done(known ? null : new Error("unknown user or wrong secret"), known ? { user: SMTP_USER } : undefined);
    },
    onData: (stream, session, done) => {
      receive(store, stream, session).then(
        mail => done(null, `stored as ${mail.id}`),
        error => done(error as Error),
      );
    },
  });
  // A client that hangs up is no reason to end; without a listener it would be.
  server.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.server.address() as { port: number };
  return { port, stop: () => new Promise(resolve => server.close(() => resolve())) };
}

async function receive(store: MailStore, stream: SMTPServerDataStream, session: SMTPServerSession) {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  if (stream.sizeExceeded) throw Object.assign(new Error("the mail is too large"), { responseCode: 552 });
  const { mailFrom, rcptTo } = session.envelope;
  return store.add(Buffer.concat(chunks), {
    from: mailFrom ? mailFrom.address : "",
    to: rcptTo.map(recipient => recipient.address),
  });
}
