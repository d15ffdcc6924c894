/**
 * Sending a mail once. claim → render → send → note as sent.
 *
 * A row (event, template, recipient) is claimed with a lease before the mail is sent; a second run of the job, at once or
 * later, finds it claimed or sent. What a crash does:
 *   before the claim    nothing was done; the redelivery sends.
 *   before sending      the claim runs out after 20 s; the redelivery that then comes sends.
 *   after the server accepted the mail and before the row says `sent`: the one window in which a second copy goes out, when
 *                       the claim has run out. SMTP has no way to ask whether a mail was taken. Both copies carry the
 *                       same Message-ID, by which most servers and readers show one. The same holds for a connection
 *                       that breaks between the end of the mail and the server's answer.
 *   after `sent`        the redelivery finds it and is done.
 */
import type { Sql } from "../../platform/postgres/index.ts";
import { getOrder } from "../orders/index.ts";
import { type Mailer, MailRefused } from "./mailer.ts";
import { type Content, type MailRequest, type MailResult, messageIdOf } from "./model.ts";
import * as store from "./store.ts";
import { orderConfirmation } from "./templates/order_confirmation.ts";

/** @throws what may be tried again: SMTP's temporary failures, a connection that fails. */
export async function sendMail(
  deps: { sql: Sql; mailer: Mailer },
  request: MailRequest,
  signal?: AbortSignal,
): Promise<MailResult> {
  const letter = await compose(deps.sql, request);
  if (letter === null) return { outcome: "no_subject" };
  if (letter.recipient === null) return { outcome: "no_recipient" };
  const { recipient, content } = letter;
  const messageId = messageIdOf(request, recipient, deps.mailer.from);
  const key = { ...request, recipient, messageId };

  const claim = await store.claim(deps.sql, key);
  if (!claim.claimed) return alreadyClaimed(claim);
  try {
    await deps.mailer.send({ ...content, to: recipient, messageId }, signal);
  } catch (error) {
    if (error instanceof MailRefused) {
      await store.settle(deps.sql, key, claim.token, "refused");
      return { outcome: "refused", error: error.message };
    }
    if (leftUnsent(error)) await store.letGo(deps.sql, key, claim.token);
    throw error;
  }
  await store.settle(deps.sql, key, claim.token, "sent");
  return { outcome: "sent" };
}

function alreadyClaimed({ status, freeInMs }: { status: string; freeInMs: number }): MailResult {
  if (status === "sent") return { outcome: "sent_before" };
  if (status === "refused") return { outcome: "refused", error: "the mail server refused this mail before" };
  return { outcome: "claimed_elsewhere", freeInMs };
}

/** True when the server answered no, or was never reached: then nothing can have been taken. */
function leftUnsent(error: unknown): boolean {
  const { responseCode, code, syscall } = error as { responseCode?: number; code?: string; syscall?: string };
  return (responseCode ?? 0) >= 400 || syscall === "connect" || code === "EDNS" || code === "EAUTH";
}

type Letter = { recipient: string; content: Content } | { recipient: null };

/** Null when what it is about does not exist. */
async function compose(sql: Sql, { storeId, template, subjectId }: MailRequest): Promise<Letter | null> {
  switch (template) {
    case "order_confirmation": {
      const order = await getOrder(sql, storeId, subjectId);
      if (!order) return null;
      return order.email === null
        ? { recipient: null }
        : { recipient: order.email, content: orderConfirmation(order) };
    }
  }
}
