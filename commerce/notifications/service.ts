/**
 * Sending a mail once. claim → render → send → note as sent.
 *
 * A row (event, template, recipient) is claimed with a lease before the mail is sent; a second run of the job, at once or
 * later, finds it claimed or sent. What a crash does:
 *   before the claim    nothing was done; the redelivery sends.
 *   before sending      the claim runs out after 20 s; the redelivery that then comes sends.
 *   after the server accepted the mail and before the row says `sent`: the one window in which a second copy goes out, when
 *                       the claim has run out. (Postgres away at that moment is waited for, as long as the try may take.)
 *                       SMTP has no way to ask whether a mail was taken. Each mail is noted by itself, so these are the mails
 *                       that a process has under way, 64 at most, whatever their jobs were. Both copies carry the
 *                       same Message-ID, by which most servers and readers show one. The same holds for a connection
 *                       that breaks between the end of the mail and the server's answer.
 *   after `sent`        the redelivery finds it and is done.
 */
import { groupedBy } from "../../platform/grouped.ts";
import { isRefusedStatement, retried, type Sql } from "../../platform/postgres/index.ts";
import { issueResetToken, recipientOfReset } from "../customers/index.ts";
import { findLowStock } from "../inventory/index.ts";
import { getOrderGrouped, type Order, orderOfAction } from "../orders/index.ts";
import { getStore } from "../stores/index.ts";
import { type Mailer, MailRefused } from "./mailer.ts";
import { type Content, type MailRequest, type MailResult, messageIdOf } from "./model.ts";
import * as store from "./store.ts";
import { lowStock } from "./templates/low_stock.ts";
import { orderCancelled, orderRefunded, orderShipped } from "./templates/order_changes.ts";
import { orderConfirmation } from "./templates/order_confirmation.ts";
import { passwordReset } from "./templates/password_reset.ts";

const NOTE_RETRY_MS = 200;

export type MailDeps = {
  readonly sql: Sql;
  readonly mailer: Mailer;
  /** Page that sets a new password, with `{token}` and `{storeId}` to be filled in. */
  readonly passwordResetUrl?: string | undefined;
};

/**
 * Mails that are under way at the same moment are claimed together, and noted together soon after each is sent: a note waits
 * for the statement before it and a moment for company, not for other mails.
 */
const TOGETHER = { max: 128, lanes: 1, isDefinite: isRefusedStatement, gather: { ms: 25, from: 4 } };
const claimed = groupedBy((sql: Sql) => ({
  ...TOGETHER,
  run: (mails: readonly store.MailKey[]) => retried(() => store.claim(sql, mails)),
}));
const settled = groupedBy((sql: Sql) => ({
  ...TOGETHER,
  run: async (ended: readonly (store.Held & { status: "sent" | "refused" })[]) => {
    await retried(() => store.settle(sql, ended));
    return ended;
  },
}));

/** @throws what may be tried again: SMTP's temporary failures, a connection that fails. */
export async function sendMail(
  deps: MailDeps,
  request: MailRequest,
  signal?: AbortSignal,
): Promise<MailResult> {
  const letter = await compose(deps, request);
  if (letter === null) return { outcome: "no_subject" };
  if (letter.recipient === null) return { outcome: "no_recipient" };
  const { recipient } = letter;
  const messageId = messageIdOf(request, recipient, deps.mailer.from);
  const mail = { ...request, recipient, messageId };

  const claim = await claimed(deps.sql, mail);
  if (!claim.claimed) return alreadyClaimed(claim);
  const held = { mail, token: claim.token };
  // Written by who holds the claim only: writing may leave traces (a token for this mail).
  const content = await letter.write();
  if (content === null) {
    await store.letGo(deps.sql, held);
    return { outcome: "no_subject" };
  }
  try {
    await deps.mailer.send({ ...content, to: recipient, messageId }, signal);
  } catch (error) {
    if (error instanceof MailRefused) {
      await settled(deps.sql, { ...held, status: "refused" });
      return { outcome: "refused", error: error.message };
    }
    if (leftUnsent(error)) await store.letGo(deps.sql, held);
    throw error;
  }
  await noteSent(() => settled(deps.sql, { ...held, status: "sent" }), signal);
  return { outcome: "sent" };
}

/**
 * The mail is out: while Postgres is away, a new try would send it again, so the note is repeated for as long as this
 * try may take.
 */
async function noteSent(note: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    try {
      await note();
      return;
    } catch (error) {
      if (!signal || signal.aborted) throw error;
      await Bun.sleep(NOTE_RETRY_MS);
    }
  }
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

/** `write` gives null when what the letter is about has gone meanwhile. */
type Letter = { recipient: string; write(): Promise<Content | null> } | { recipient: null };

/** Null when what it is about does not exist. */
async function compose(deps: MailDeps, request: MailRequest): Promise<Letter | null> {
  const { sql } = deps;
  const { storeId, template, subjectId } = request;
  switch (template) {
    case "order_confirmation":
      return toBuyer(await getOrderGrouped(sql, storeId, subjectId), orderConfirmation);
    case "order_cancelled":
      return toBuyer(await getOrderGrouped(sql, storeId, subjectId), orderCancelled);
    case "order_refunded":
      return toBuyer(await orderOfAction(sql, storeId, subjectId), order => orderRefunded(order, subjectId));
    case "order_shipped":
      return toBuyer(await orderOfAction(sql, storeId, subjectId), order => orderShipped(order, subjectId));
    case "low_stock": {
      const low = await findLowStock(sql, storeId, subjectId);
      if (!low) return null;
      const recipient = await store.selectMerchant(sql, storeId);
      return recipient === null ? { recipient } : { recipient, write: async () => lowStock(low) };
    }
    case "password_reset": {
      const recipient = await recipientOfReset(sql, storeId, subjectId);
      return recipient === null
        ? { recipient }
        : { recipient, write: () => writePasswordReset(deps, storeId, subjectId) };
    }
  }
}

function toBuyer(order: Order | null, write: (order: Order) => Content | null): Letter | null {
  if (!order) return null;
  if (order.email === null) return { recipient: null };
  return { recipient: order.email, write: async () => write(order) };
}

async function writePasswordReset(
  { sql, passwordResetUrl }: MailDeps,
  storeId: string,
  resetId: string,
): Promise<Content | null> {
  const [shop, issued] = [await getStore(sql, storeId), await issueResetToken(sql, storeId, resetId)];
  if (!shop || !issued) return null;
  const link = passwordResetUrl
    ?.replaceAll("{token}", issued.token)
    .replaceAll("{storeId}", encodeURIComponent(storeId));
  return passwordReset({ shop: shop.name, ...issued, link });
}
