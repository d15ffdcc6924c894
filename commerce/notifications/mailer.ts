/** Mails by SMTP: the message is made by us (message.ts), nodemailer speaks with the server (smtp.ts). */
import { addressOf, asMessage } from "./message.ts";
import type { Mail } from "./model.ts";
import { openSmtp, type Smtp, type SmtpError } from "./smtp.ts";

export type Mailer = {
  readonly from: string;
  /** Resolves when the server has accepted the mail. @throws MailRefused; anything else may be tried again. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** The server refused this mail for good (5xx to its recipient or content). */
export class MailRefused extends Error {
  override name = "MailRefused";
  constructor(
    readonly responseCode: number,
    message: string,
  ) {
    super(message);
  }
}

const CONNECTIONS = 8;
/** Servers that allow fewer close the connection by a 421, and the mail is tried again. */
const MAILS_PER_CONNECTION = 1_000;
/** Shorter than a claim (store.ts), so that a run that hangs has given up before its claim is taken over. */
const TIMEOUTS_MS = {
  connectionTimeout: 4_000,
  greetingTimeout: 4_000,
  socketTimeout: 8_000,
  dnsTimeout: 4_000,
};

/**
 * A 5xx to the envelope (recipient, sender) or the message is about this mail. One to the log-in or the greeting is
 * about us, and goes away when somebody mends it.
 */
function isPermanent(error: SmtpError): boolean {
  const code = error.responseCode ?? 0;
  return code >= 500 && code < 600 && (error.code === "EENVELOPE" || error.code === "EMESSAGE");
}

export function createMailer(options: { smtpUrl: string; from: string }): Mailer {
  let opening: Promise<Smtp> | undefined;
  const open = () =>
    openSmtp({
      url: options.smtpUrl,
      connections: CONNECTIONS,
      mailsPerConnection: MAILS_PER_CONNECTION,
      timeouts: TIMEOUTS_MS,
    });
  const sender = addressOf(options.from);
  return {
    from: options.from,
    async send({ to, subject, text, html, messageId }, signal) {
      signal?.throwIfAborted();
      const message = asMessage({
        from: options.from,
        to,
        subject,
        text,
        html,
        messageId,
        date: new Date(),
      });
      opening ??= open();
      const smtp = await opening;
      try {
        await smtp.send({ from: sender, to }, message);
      } catch (error) {
        const { responseCode, message: said } = error as SmtpError;
        if (isPermanent(error as SmtpError)) throw new MailRefused(responseCode!, said);
        throw error;
      }
    },
    async close() {
      (await opening)?.close();
    },
  };
}
