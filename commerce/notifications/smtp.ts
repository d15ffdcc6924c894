/**
 * Connections to the mail server, used again and again. SMTP itself (TLS, log-in, pipelining, dot stuffing, time-outs) is
 * nodemailer's `SMTPConnection`; its transport around it makes streams and objects of each mail, which cost more than half
 * of the processor time of sending one.
 *
 * A connection carries one mail at a time. Who comes while all are busy waits, first come, first served. A mail that the server
 * refuses leaves its connection to the next; whatever else goes wrong with a mail ends the connection, because nobody
 * knows what the server is waiting for. One that ends while nothing is under way (servers do that to idle ones, and so
 * does our own time-out) is nobody's fault: the next mail opens another.
 */
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";

export type SmtpOptions = {
  /** `smtp:` or `smtps:`, with user and password; its query holds further options of nodemailer's (`?tls.rejectUnauthorized=false`). */
  url: string;
  /** Most connections at once. */
  connections: number;
  /** A connection is given up after so many. */
  mailsPerConnection: number;
  timeouts: Pick<
    SMTPConnectionOptions,
    "connectionTimeout" | "greetingTimeout" | "socketTimeout" | "dnsTimeout"
  >;
};

export type Smtp = {
  /** Resolves when the server has accepted the message. @throws nodemailer's errors */
  send(envelope: { from: string; to: string }, message: string): Promise<void>;
  /** Ends the connections; mails that are under way are finished, those that wait are refused. */
  close(): void;
};

export type SmtpError = Error & { code?: string; responseCode?: number };

type Link = { readonly connection: SMTPConnection; sent: number; isOver: boolean };
type Waiter = { resolve(link: Link | Promise<Link>): void; reject(error: Error): void };

const closed = () => new Error("the connections to the mail server are closed");

/** Loads nodemailer: most processes send no mail. */
export async function openSmtp(options: SmtpOptions): Promise<Smtp> {
  const [{ default: Connection }, { parseConnectionUrl }] = await Promise.all([
    import("nodemailer/lib/smtp-connection"),
    import("nodemailer/lib/shared"),
  ]);
  const { auth, ...server } = parseConnectionUrl(options.url) as SMTPConnectionOptions & {
    auth?: { user: string; pass: string };
    authMethod?: string;
  };
  const idle: Link[] = [];
  const waiting: Waiter[] = [];
  let open = 0;
  let isClosed = false;

  function connect(): Promise<Link> {
    open++;
    const connection = new Connection({ ...options.timeouts, ...server });
    const link: Link = { connection, sent: 0, isOver: false };
    return new Promise<Link>((resolve, reject) => {
      let stands = false;
      const stand = () => {
        stands = true;
        resolve(link);
      };
      const fail = (error: Error) => {
        reject(error);
        leave(link, stands ? undefined : error);
        connection.close();
      };
      // Once it stands, a mail hears of a failure by its own callback; an idle connection is only gone.
      connection.on("error", fail);
      connection.once("end", () => fail(new Error("the mail server closed the connection")));
      connection.connect(error => {
        if (error) fail(error);
        else if (!auth || !connection.allowsAuth) stand();
        else
          connection.login({ credentials: auth, method: server.authMethod }, refused =>
            refused ? fail(refused) : stand(),
          );
      });
    });
  }

  function take(): Link | Promise<Link> {
    if (isClosed) throw closed();
    const link = idle.pop();
    if (link) return link;
    if (open < options.connections) return connect();
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
  }

  /**
   * It carries nothing any more, and who waits opens another. `unreached`: it never stood; then those who wait try no harder,
   * but for the connections that stand, and hear of it when there are none.
   */
  function leave(link: Link, unreached?: Error): void {
    if (link.isOver) return;
    link.isOver = true;
    open--;
    const at = idle.indexOf(link);
    if (at >= 0) idle.splice(at, 1);
    if (!unreached) waiting.shift()?.resolve(connect());
    else if (open === 0) for (const one of waiting.splice(0)) one.reject(unreached);
  }

  function giveBack(link: Link): void {
    if (link.isOver) return;
    if (isClosed || link.sent >= options.mailsPerConnection) {
      leave(link);
      link.connection.quit();
      return;
    }
    const next = waiting.shift();
    if (next) next.resolve(link);
    else idle.push(link);
  }

  function putRight(link: Link, { code, responseCode }: SmtpError): void {
    const isAnswer = (code === "EENVELOPE" || code === "EMESSAGE") && responseCode !== 421;
    if (isAnswer && !link.isOver && !link.connection.destroyed) {
      link.connection.reset(error => (error ? link.connection.close() : giveBack(link)));
      return;
    }
    leave(link);
    link.connection.close();
  }

  return {
    async send(envelope, message) {
      const link = await take();
      link.sent++;
      try {
        await new Promise<void>((resolve, reject) => {
          link.connection.send({ ...envelope }, message, error => (error ? reject(error) : resolve()));
        });
      } catch (error) {
        putRight(link, error as SmtpError);
        throw error;
      }
      giveBack(link);
    },
    close() {
      isClosed = true;
      for (const { connection } of [...idle]) connection.close();
      for (const one of waiting.splice(0)) one.reject(closed());
    },
  };
}
