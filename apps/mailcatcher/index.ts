/**
 * The embedded mail catcher: an SMTP server that keeps every mail on disk and an HTTP door to read them. It stands in
 * for a mail provider on a laptop and in tests; production sets SMTP_URL.
 *
 * Always holds: a mail that was answered with 250 is written to disk, once per delivery (a client that sends a mail
 * twice finds it twice: that is what the tests for duplicate mails count).
 */
import { serveMailbox } from "./http.ts";
import { SMTP_USER, serveSmtp } from "./smtp.ts";
import { openMailStore } from "./store.ts";

export type { Mail, MailPage, MailSummary } from "./store.ts";

export type Mailcatcher = {
  /** With user and secret, as SMTP_URL wants it. */
  readonly smtpUrl: string;
  readonly mailboxUrl: string;
  stop(): Promise<void>;
};

/** Ports may be 0 for free ones. `token` is the secret of both doors. */
export async function startMailcatcher(options: {
  dir: string;
  token: string;
  smtpPort: number;
  httpPort: number;
}): Promise<Mailcatcher> {
  const store = await openMailStore(options.dir);
  const smtp = await serveSmtp(store, { port: options.smtpPort, token: options.token });
  const door = serveMailbox(store, { port: options.httpPort, token: options.token });
  return {
    smtpUrl: `smtp://${SMTP_USER}:${options.token}@127.0.0.1:${smtp.port}`,
    mailboxUrl: door.url,
    stop: async () => {
      await smtp.stop();
      await door.stop();
      await store.close();
    },
  };
}
