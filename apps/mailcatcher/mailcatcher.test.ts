import { afterEach, beforeEach, expect, test } from "bun:test";
import { once } from "node:events";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { type Mail, type Mailcatcher, type MailPage, startMailcatcher } from "./index.ts";

const token = "0123456789abcdef";
let dir: string;
let catcher: Mailcatcher;

const start = () => startMailcatcher({ dir, token, smtpPort: 0, httpPort: 0 });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailcatcher-"));
  catcher = await start();
});

afterEach(async () => {
  await catcher.stop();
  await rm(dir, { recursive: true });
});

async function read<T>(path: string): Promise<T> {
  const response = await fetch(catcher.mailboxUrl + path, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return response.json() as Promise<T>;
}

const send = (subject: string, more: object = {}) =>
  createTransport(catcher.smtpUrl).sendMail({
    from: "shop@tradewind.example",
    to: "ada@example.org",
    subject,
    text: "Grüße",
    html: "<b>Grüße</b>",
    ...more,
  });

test("a mail can be read with its text, HTML and headers, newest first", async () => {
  await send("first");
  await send("Bestätigung №2", { messageId: "<order-1@tradewind>", cc: "bob@example.org" });
  const { items } = await read<MailPage>("/mails");
  expect(items.map(mail => mail.subject)).toEqual(["Bestätigung №2", "first"]);
  expect(items[0]).toMatchObject({
    from: "shop@tradewind.example",
    to: ["ada@example.org", "bob@example.org"],
    messageId: "<order-1@tradewind>",
  });
  const mail = await read<Mail>(`/mails/${items[0]!.id}`);
  expect(mail.text.trim()).toBe("Grüße");
  expect(mail.html.trim()).toBe("<b>Grüße</b>");
  expect(mail.headers.find(({ name }) => name.toLowerCase() === "message-id")?.value).toBe(
    "<order-1@tradewind>",
  );
});

test("pages join without a gap", async () => {
  for (let n = 0; n < 5; n++) await send(`mail ${n}`);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: MailPage = await read<MailPage>(`/mails?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.items.map(mail => mail.subject));
    cursor = page.nextCursor;
  }
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
});

test("mails survive a restart", async () => {
  await send("kept");
  await catcher.stop();
  catcher = await start();
  expect((await read<MailPage>("/mails")).items.map(mail => mail.subject)).toEqual(["kept"]);
});

test("both doors want the secret", async () => {
  const wrong = new URL(catcher.smtpUrl);
  wrong.password = "wrong";
  expect(createTransport(wrong.href).sendMail({ to: "a@b.c", from: "a@b.c" })).rejects.toThrow();
  const anonymous = new URL(catcher.smtpUrl);
  anonymous.username = anonymous.password = "";
  expect(createTransport(anonymous.href).sendMail({ to: "a@b.c", from: "a@b.c" })).rejects.toThrow();
  expect((await fetch(`${catcher.mailboxUrl}/mails`)).status).toBe(401);
  expect((await read<MailPage>("/mails")).items).toEqual([]);
});

test("an unknown mail, a path out of the folder and a silly limit are refused", async () => {
  const status = async (path: string) =>
    (await fetch(catcher.mailboxUrl + path, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await status("/mails/mail_0000000000")).toBe(404);
  expect(await status("/mails/..%2f..%2fetc%2fpasswd")).toBe(404);
  expect(await status("/mails?limit=100000")).toBe(422);
});

/** A client that says what it is told to, and sees the answers as they come. */
async function talk(...said: string[]): Promise<string> {
  let heard = "";
  const { port } = new URL(catcher.smtpUrl);
  const auth = Buffer.from(`\0tradewind\0${token}`).toString("base64");
  const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
  socket.on("data", chunk => {
    heard += chunk.toString();
  });
  const closed = once(socket, "close");
  for (const part of ["EHLO test\r\n", `AUTH PLAIN ${auth}\r\n`, ...said, "QUIT\r\n"]) {
    await new Promise(resolve => socket.write(part, resolve));
  }
  await closed;
  return heard;
}

test("pipelined mails, cut anywhere, come whole and are answered in order", async () => {
  const mail = (n: number) =>
    `MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: ${n}\r\n\r\n..dots\r\n...\r\n.\r\n`;
  const all = [1, 2, 3].map(mail).join("");
  const heard = await talk(all.slice(0, 70), all.slice(70, 107), all.slice(107));
  expect(heard.match(/^(354|250 stored|221)/gm)).toEqual([
    "354",
    "250 stored",
    "354",
    "250 stored",
    "354",
    "250 stored",
    "221",
  ]);
  const { items } = await read<MailPage>("/mails");
  expect(items.map(one => one.subject)).toEqual(["3", "2", "1"]);
  expect((await read<Mail>(`/mails/${items[0]!.id}`)).text.trim().split(/\r?\n/)).toEqual([".dots", ".."]);
});

test("an empty mail is a mail; one that is too large is none, and the next one comes through", async () => {
  const to = "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n";
  const huge = `${"x".repeat(1_000)}\r\n`.repeat(27_000);
  const heard = await talk(`${to}.\r\n`, to, huge, ".\r\n", `${to}Subject: after\r\n\r\n.\r\n`);
  expect(heard.match(/^(250 stored|552)/gm)).toEqual(["250 stored", "552", "250 stored"]);
  expect((await read<MailPage>("/mails")).items.map(one => one.subject)).toEqual(["after", ""]);
});

test("a mail that was cut off in the file is forgotten, those before it are not", async () => {
  await send("whole");
  await catcher.stop();
  await appendFile(join(dir, "mails"), '{"id":"mail_zzzzzzzzzz","to":[],"length":100}\nSubject: half');
  catcher = await start();
  await send("after");
  expect((await read<MailPage>("/mails")).items.map(one => one.subject)).toEqual(["after", "whole"]);
});
