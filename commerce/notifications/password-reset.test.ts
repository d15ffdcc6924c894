import { afterAll, beforeAll, expect, test } from "bun:test";
import { testServers } from "../../platform/testing/index.ts";
import { openPeople, type People, refusal } from "../customers/customers.fixture.ts";
import { resetPassword } from "../customers/index.ts";
import { createMailer, type MailDeps, type Mailer, sendMail } from "./index.ts";
import { passwordReset } from "./templates/password_reset.ts";

let people: People;
let mailer: Mailer;
beforeAll(async () => {
  people = await openPeople();
  mailer = createMailer({ smtpUrl: (await testServers()).smtpUrl, from: "Shop <shop@tradewind.example>" });
});
afterAll(async () => {
  await mailer.close();
  await people.drop();
});

const send = (resetId: string, more: Partial<MailDeps> = {}) =>
  sendMail(
    { sql: people.sql, mailer, ...more },
    {
      storeId: people.store.id,
      template: "password_reset",
      subjectId: resetId,
      eventId: `password.reset_requested:${resetId}`,
    },
  );

/** The text of the mail that an address got, and how many there are. */
async function inbox(recipient: string): Promise<{ count: number; text: string }> {
  const { mailboxUrl, mailboxToken } = await testServers();
  const headers = { authorization: `Bearer ${mailboxToken}` };
  const list = (await (await fetch(`${mailboxUrl}/mails?limit=100`, { headers })).json()) as {
    items: { id: string; to: string[] }[];
  };
  const mine = list.items.filter(one => one.to.includes(recipient));
  if (mine.length === 0) return { count: 0, text: "" };
  const mail = await fetch(`${mailboxUrl}/mails/${mine[0]!.id}`, { headers });
  return { count: mine.length, text: ((await mail.json()) as { text: string }).text };
}

const tokenIn = (text: string) => /pwr_[0-9a-z]{32}/.exec(text)?.[0] ?? "";
const reset = (token: string) =>
  refusal(
    resetPassword(people.deps, { storeId: people.store.id }, { token, password: "a brand new password" }),
  );

test("the mail goes to the registered address, once, with a token that works", async () => {
  const { email } = await people.join();
  const resetId = await people.forget(email.toUpperCase());
  expect(await send(resetId)).toEqual({ outcome: "sent" });
  expect(await send(resetId)).toEqual({ outcome: "sent_before" });
  const { count, text } = await inbox(email);
  expect(count).toBe(1);
  // The second run wrote no letter, and so no second token.
  expect(await people.sql`SELECT 1 FROM customers.reset_token WHERE reset_id = ${resetId}`).toHaveLength(1);
  expect(await reset(tokenIn(text))).toBe("no problem");
});

test("the mail holds a link where the shop has a page for it", async () => {
  const { email } = await people.join();
  const passwordResetUrl = "https://shop.example/{storeId}/reset#{token}";
  await send(await people.forget(email), { passwordResetUrl });
  const { text } = await inbox(email);
  expect(text).toContain(`https://shop.example/${people.store.id}/reset#${tokenIn(text)}`);
});

test("a letter that could not be sent has a token of its own next time, and both would work", async () => {
  const { email } = await people.join();
  const resetId = await people.forget(email);
  const nowhere = createMailer({ smtpUrl: "smtp://127.0.0.1:1", from: mailer.from });
  expect(await refusal(send(resetId, { mailer: nowhere }))).not.toBe("no problem");
  await nowhere.close();
  expect(await send(resetId)).toEqual({ outcome: "sent" });
  expect(await people.sql`SELECT 1 FROM customers.reset_token WHERE reset_id = ${resetId}`).toHaveLength(2);
  expect(await reset(tokenIn((await inbox(email)).text))).toBe("no problem");
});

test("nobody, a used reset and an expired one get no mail", async () => {
  const { email } = await people.join();
  expect(await send(await people.forget(people.someone()))).toEqual({ outcome: "no_recipient" });
  const resetId = await people.forget(email);
  await people.sql`UPDATE customers.password_reset SET expires_at = now() WHERE id = ${resetId}`;
  expect(await send(resetId)).toEqual({ outcome: "no_recipient" });
  expect((await inbox(email)).count).toBe(0);
});

test("a store's name is text in a subject of one line and in HTML", () => {
  const facts = {
    shop: '<b>A\r\nBcc: x</b> & "B"',
    token: "pwr_x",
    expiresAt: new Date("2026-01-01T10:05:00Z"),
  };
  const { subject, html, text } = passwordReset(facts);
  expect(subject).toBe('Your password at <b>A Bcc: x</b> & "B"');
  expect(html).toContain("&lt;b&gt;A");
  expect(html).not.toContain("<b>A");
  expect(text).toContain("until 10:05 UTC");
});
