import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
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
