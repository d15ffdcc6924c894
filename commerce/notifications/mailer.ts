/** SMTP by nodemailer, connections pooled. The message is made by us (message.ts): nodemailer's composer costs four times as much. */
import type { Transporter } from "nodemailer";
import { addressOf, asMessage } from "./message.ts";
import type { Mail } from "./model.ts";

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

type SmtpError = Error & { code?: string; responseCode?: number };

/**
 * A 5xx to the envelope (recipient, sender) or the message is about this mail. One to the log-in or the greeting is
 * about us, and goes away when somebody mends it.
 */
function isPermanent(error: SmtpError): boolean {
  const code = error.responseCode ?? 0;
  return code >= 500 && code < 600 && (error.code === "EENVELOPE" || error.code === "EMESSAGE");
}

/** Loaded for the first mail: most processes send none. */
async function openTransport(smtpUrl: string): Promise<Transporter> {
  const { default: nodemailer } = await import("nodemailer");
  return nodemailer.createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: CONNECTIONS,
    maxMessages: MAILS_PER_CONNECTION,
    // A connection that closes while a mail is under way leaves open whether it was accepted; that is ours to judge.
    maxRequeues: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMEOUTS_MS,
  } as Parameters<typeof nodemailer.createTransport>[0]);
}

export function createMailer(options: { smtpUrl: string; from: string }): Mailer {
  let opening: Promise<Transporter> | undefined;
  const sender = addressOf(options.from);
  return {
    from: options.from,
    async send({ to, subject, text, html, messageId }, signal) {
      signal?.throwIfAborted();
      try {
        const raw = asMessage({ from: options.from, to, subject, text, html, messageId, date: new Date() });
        opening ??= openTransport(options.smtpUrl);
        const transport = await opening;
        await transport.sendMail({ envelope: { from: sender, to: [to] }, raw });
      } catch (error) {
        const smtp = error as SmtpError;
        if (isPermanent(smtp)) throw new MailRefused(smtp.responseCode!, smtp.message);
        throw error;
      }
    },
    async close() {
      (await opening)?.close();
    },
  };
}
