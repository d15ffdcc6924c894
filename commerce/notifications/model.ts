export type TemplateName =
  | "order_confirmation"
  | "order_cancelled"
  | "order_refunded"
  | "order_shipped"
  | "low_stock"
  | "password_reset";

export type MailRequest = {
  storeId: string;
  template: TemplateName;
  /** What the mail is about: the id of an order, of a refund or fulfilment, of a crossing of a low-stock threshold, of a password reset. */
  subjectId: string;
  /** The occasion: one mail per (eventId, template, recipient). */
  eventId: string;
};

/** The occasion of a confirmation: one mail, whichever job names the order. */
export function confirmationOf(orderId: string): Omit<MailRequest, "storeId"> {
  return { template: "order_confirmation", subjectId: orderId, eventId: `order.placed:${orderId}` };
}

export type Content = { subject: string; text: string; html: string };

export type Mail = Content & { to: string; messageId: string };

export type MailResult =
  | { outcome: "sent" | "sent_before" | "no_recipient" | "no_subject" }
  /** Another run holds the claim. */
  | { outcome: "claimed_elsewhere"; freeInMs: number }
  /** SMTP said no for good. */
  | { outcome: "refused"; error: string };

/**
 * The same for every copy of one mail, so that mail servers and readers can tell that two are one. Domain of the sender.
 */
export function messageIdOf(request: MailRequest, recipient: string, from: string): string {
  const parts = [request.storeId, request.eventId, request.template, recipient];
  const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? "localhost";
  return `<${hash}@${domain}>`;
}
