/** One SMTP connection: lines in, answers out. Knows nothing of sockets. */
import { sameSecret } from "../../platform/secrets.ts";
import type { MailStore } from "./store.ts";

const MAX_MAIL_BYTES = 25 * 1024 * 1024;
/** Longer than any line a client may send before DATA (RFC 5321, 4.5.3.1, with room for AUTH). */
const MAX_LINE_BYTES = 16_384;
const EXTENSIONS = ["tradewind", "PIPELINING", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"];
const TOO_LARGE = "552 the mail is too large";
const LINE_END = Buffer.from("\r\n");
const MAIL_END = Buffer.from("\r\n.\r\n");
const NOTHING = Buffer.alloc(0);
const DOT = 0x2e;

type Login = { user: string; token: string };
/** Whom the session talks to. */
export type SmtpClient = { send(line: string): void; end(): void };

type State = "command" | "auth_plain" | "auth_user" | "auth_password" | "data" | "storing" | "over";

export class SmtpSession {
  readonly #store: MailStore;
  readonly #login: Login;
  readonly #client: SmtpClient;
  #state: State = "command";
  #received = NOTHING;
  /** Where the end of the mail was looked for already. */
  #searched = 0;
  #isTooLarge = false;
  #isKnown = false;
  #user = "";
  #from: string | null = null;
  #to: string[] = [];

  constructor(store: MailStore, login: Login, client: SmtpClient) {
    this.#store = store;
    this.#login = login;
    this.#client = client;
  }

  greet(): void {
    this.#answer("220 tradewind ESMTP");
  }

  receive(chunk: Buffer): void {
    // The socket may use its chunk again.
    const isFirst = this.#received.length === 0;
    this.#received = isFirst ? Buffer.from(chunk) : Buffer.concat([this.#received, chunk]);
    this.#work();
  }

  /** Takes what has come whole. While a mail is stored the rest waits, so that answers keep the order of commands. */
  #work(): void {
    for (let took = true; took; ) {
      if (this.#state === "storing" || this.#state === "over") return;
      took = this.#state === "data" ? this.#takeMail() : this.#takeLine();
    }
  }

  #takeLine(): boolean {
    const end = this.#received.indexOf("\r\n");
    if (end < 0) {
      if (this.#received.length > MAX_LINE_BYTES) this.#answer(this.#leave("500 line too long"));
      return false;
    }
    const line = this.#received.toString("utf8", 0, end);
    this.#received = this.#received.subarray(end + 2);
    this.#answer(this.#state === "command" ? this.#command(line) : this.#authenticate(line));
    return true;
  }

  #command(line: string): string {
    const verb = line.slice(0, 4).toUpperCase();
    switch (verb) {
      case "EHLO":
        this.#reset();
        return [...EXTENSIONS.map(one => `250-${one}`), `250 SIZE ${MAX_MAIL_BYTES}`].join("\r\n");
      case "HELO":
      case "RSET":
        this.#reset();
        return "250 ok";
      case "NOOP":
        return "250 ok";
      case "QUIT":
        return this.#leave("221 bye");
      case "AUTH":
        return this.#beginAuth(line.slice(5).trim());
      case "MAIL":
      case "RCPT":
      case "DATA":
        return this.#isKnown ? this.#envelope(verb, line) : "530 authentication required";
      default:
        return "502 not known here";
    }
  }

  #envelope(verb: "MAIL" | "RCPT" | "DATA", line: string): string {
    if (verb === "DATA") return this.#to.length > 0 ? this.#beginMail() : "503 no recipient";
    const address = /^(?:MAIL FROM|RCPT TO): *<([^>]*)>/i.exec(line)?.[1];
    if (address === undefined) return "501 no address";
    if (verb === "MAIL") {
      if (Number(/ SIZE=(\d+)/i.exec(line)?.[1] ?? 0) > MAX_MAIL_BYTES) return TOO_LARGE;
      this.#from = address;
      this.#to = [];
    } else if (this.#from === null) return "503 no sender";
    else this.#to.push(address);
    return "250 ok";
  }

  #beginMail(): string {
    this.#state = "data";
    this.#searched = 0;
    // A mail without a line is a dot at once: its end begins with the line feed of DATA.
    this.#received = Buffer.concat([LINE_END, this.#received]);
    return "354 go on";
  }

  #takeMail(): boolean {
    const end = this.#received.indexOf(MAIL_END, this.#searched);
    if (end < 0) {
      this.#isTooLarge ||= this.#received.length > MAX_MAIL_BYTES;
      // Of a mail that is too large only as much is kept as may be the beginning of its end.
      if (this.#isTooLarge) this.#received = this.#received.subarray(-MAIL_END.length + 1);
      this.#searched = Math.max(0, this.#received.length - MAIL_END.length + 1);
      return false;
    }
    const raw = this.#received.subarray(LINE_END.length, end + LINE_END.length);
    this.#received = this.#received.subarray(end + MAIL_END.length);
    const envelope = { from: this.#from ?? "", to: this.#to };
    const isTooLarge = this.#isTooLarge || raw.length > MAX_MAIL_BYTES;
    this.#reset();
    if (isTooLarge) this.#answer(TOO_LARGE);
    else void this.#keep(raw, envelope);
    return true;
  }

  async #keep(raw: Buffer, envelope: { from: string; to: string[] }): Promise<void> {
    this.#state = "storing";
    const answer = await this.#store.add(unstuffed(raw), envelope).then(
      id => `250 stored as ${id}`,
      () => "451 not stored",
    );
    this.#state = "command";
    this.#answer(answer);
    this.#work();
  }

  #beginAuth(rest: string): string {
    const [method = "", initial] = rest.split(" ");
    const isLogin = method.toUpperCase() === "LOGIN";
    if (!isLogin && method.toUpperCase() !== "PLAIN") return "504 PLAIN or LOGIN";
    this.#state = isLogin ? "auth_user" : "auth_plain";
    if (initial) return this.#authenticate(initial);
    return isLogin ? "334 VXNlcm5hbWU6" : "334 ";
  }

  #authenticate(line: string): string {
    const said = Buffer.from(line, "base64").toString();
    if (this.#state === "auth_user") {
      this.#user = said;
      this.#state = "auth_password";
      return "334 UGFzc3dvcmQ6";
    }
    const [, user = "", password = ""] =
      this.#state === "auth_plain" ? said.split("\0") : ["", this.#user, said];
    this.#state = "command";
    this.#isKnown = user === this.#login.user && sameSecret(password, this.#login.token);
    return this.#isKnown ? "235 welcome" : "535 unknown user or wrong secret";
  }

  #answer(line: string): void {
    this.#client.send(line);
    if (this.#state === "over") this.#client.end();
  }

  #reset(): void {
    this.#state = "command";
    this.#isTooLarge = false;
    this.#from = null;
    this.#to = [];
  }

  #leave(line: string): string {
    this.#state = "over";
    return line;
  }
}

/** A line that begins with a dot is sent with two (RFC 5321, 4.5.2). */
function unstuffed(raw: Buffer): Buffer {
  if (raw[0] !== DOT && raw.indexOf("\r\n..") < 0) return raw;
  return Buffer.from(raw.toString("latin1").replace(/(^|\r\n)\.\./g, "$1."), "latin1");
}
