import { afterEach, expect, test } from "bun:test";
import { createTransport } from "nodemailer";
import PostalMime from "postal-mime";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { until } from "../../platform/testing/index.ts";
import { asMessage } from "./message.ts";
import { openSmtp, type Smtp } from "./smtp.ts";

const envelope = { from: "shop@tradewind.example", to: "ada@example.org" };
const timeouts = {
  connectionTimeout: 30_000,
  greetingTimeout: 30_000,
  socketTimeout: 30_000,
  dnsTimeout: 30_000,
};

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server that is not ours, what it got, and how many connections it has seen and has. */
async function startServer(more: SMTPServerOptions = {}) {
  const seen = { received: [] as string[], connections: 0, now: 0 };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onAuth: ({ username, password }, _session, callback) =>
      password === "right" ? callback(null, { user: username }) : callback(new Error("no")),
    onConnect(_session, callback) {
      seen.connections++;
      seen.now++;
      callback();
    },
    onClose() {
      seen.now--;
    },
    onData(stream, _session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", chunk => chunks.push(chunk));
      stream.on("end", () => {
        seen.received.push(Buffer.concat(chunks).toString("latin1"));
        callback();
      });
    },
    ...more,
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as { port: number };
  stops.push(() => server.close());
  return { seen, server, url: `smtp://user:right@127.0.0.1:${port}` };
}

async function open(url: string, more: { connections?: number; mailsPerConnection?: number } = {}) {
  const smtp: Smtp = await openSmtp({ url, connections: 2, mailsPerConnection: 1_000, timeouts, ...more });
  stops.push(() => smtp.close());
  return smtp;
}

test("what the server gets is, to the byte, what nodemailer's own transport sends it", async () => {
  const { seen, url } = await startServer();
  const smtp = await open(url);
  const transport = createTransport(url);
  const messages = [
    "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.",
    "Subject: bare line ends\n\nfirst\n.second\rthird\r.\r",
    `Subject: long\r\n\r\n${"x".repeat(5_000)}\r\n`,
    "Subject: Grüße\r\n\r\n😀\r\n",
    `Subject: much\r\n\r\n${".line\r\n".repeat(30_000)}`,
  ];
  for (const raw of messages) {
    await smtp.send(envelope, raw);
    await transport.sendMail({ envelope, raw });
  }
  transport.close();
  const pairs = messages.map((_, i) => [seen.received[2 * i], seen.received[2 * i + 1]]);
  for (const [ours, theirs] of pairs) expect(ours).toBe(theirs!);
});

test("a reader finds in our message what it finds in one that nodemailer composed", async () => {
  const { seen, url } = await startServer();
  const smtp = await open(url);
  const mail = {
    from: "Müller & Söhne <shop@tradewind.example>",
    to: "ada@example.org",
    subject: "Bestätigung №2 =?utf-8?B?x?= 😀",
    text: ".\nGrüße\n.",
    html: `<p>${"Zeile ".repeat(400)}</p>`,
    messageId: "<1@tradewind.example>",
    date: new Date("2026-03-01T10:20:30Z"),
  };
  await smtp.send(envelope, asMessage(mail));
  const transport = createTransport(url);
  await transport.sendMail(mail);
  transport.close();
  const [ours, theirs] = await Promise.all(
    seen.received.map(async raw => {
      const { from, to, subject, messageId, date, text, html } = await PostalMime.parse(
        Buffer.from(raw, "latin1"),
      );
      const plain = (body = "") => body.replaceAll("\r\n", "\n").trim();
      return { from, to, subject, messageId, date, text: plain(text), html: plain(html) };
    }),
  );
  expect(ours).toEqual(theirs!);
  expect(ours).toMatchObject({ subject: mail.subject, messageId: mail.messageId, html: mail.html });
});

test("many mails share few connections, each of which is given up after its share", async () => {
  const { seen, url } = await startServer();
  const smtp = await open(url, { connections: 3, mailsPerConnection: 10 });
  await Promise.all(Array.from({ length: 60 }, (_, i) => smtp.send(envelope, `Subject: ${i}\r\n\r\n`)));
  const subjects = seen.received.map(raw => Number(/\d+/.exec(raw)?.[0]));
  expect(subjects.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  // Sixty by ten, and the last three may have carried less.
  expect(seen.connections).toBeGreaterThanOrEqual(6);
  expect(seen.connections).toBeLessThanOrEqual(8);
});

test("a mail that is refused leaves its connection to the next", async () => {
  const { seen, url } = await startServer({
    onRcptTo: ({ address }, _session, callback) =>
      callback(address.startsWith("no") ? Object.assign(new Error("no"), { responseCode: 550 }) : null),
  });
  const smtp = await open(url, { connections: 1 });
  const refused = smtp.send({ ...envelope, to: "nobody@example.org" }, "Subject: 1\r\n\r\n");
  const next = smtp.send(envelope, "Subject: 2\r\n\r\n");
  expect(refused).rejects.toMatchObject({ code: "EENVELOPE", responseCode: 550 });
  await next;
  expect(seen).toMatchObject({ connections: 1, received: ["Subject: 2\r\n\r\n"] });
});

test("a connection that the server ends while it is idle is replaced by another", async () => {
  const { seen, server, url } = await startServer();
  const smtp = await open(url);
  await smtp.send(envelope, "Subject: 1\r\n\r\n");
  for (const one of server.connections) (one as { close(): void }).close();
  await until(() => seen.now === 0);
  // Our side may hear of it a moment later: a mail that meets the dead connection fails, and may be tried again.
  await until(() =>
    smtp.send(envelope, "Subject: 2\r\n\r\n").then(
      () => true,
      () => false,
    ),
  );
  expect(seen).toMatchObject({ connections: 2, received: ["Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n"] });
});

test("a wrong password, and a server that is not there, are heard of by all who wait", async () => {
  const { url } = await startServer();
  for (const [where, code] of [
    [url.replace("right", "wrong"), "EAUTH"],
    ["smtp://127.0.0.1:1", "ESOCKET"],
  ] as const) {
    const smtp = await open(where);
    const ended = await Promise.allSettled(
      Array.from({ length: 6 }, () => smtp.send(envelope, "Subject: 1\r\n\r\n")),
    );
    expect(ended.map(one => one.status === "rejected" && one.reason.code)).toEqual(Array(6).fill(code));
  }
});

test("closed, it finishes what is under way and refuses what waits", async () => {
  const { seen, url } = await startServer();
  const smtp = await open(url, { connections: 1 });
  const first = smtp.send(envelope, "Subject: 1\r\n\r\n");
  const second = smtp.send(envelope, "Subject: 2\r\n\r\n");
  smtp.close();
  expect(second).rejects.toThrow("closed");
  expect(smtp.send(envelope, "Subject: 3\r\n\r\n")).rejects.toThrow("closed");
  await first;
  expect(seen.received).toEqual(["Subject: 1\r\n\r\n"]);
  await until(() => seen.now === 0);
});
