import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { testServers, until } from "../../platform/testing/index.ts";
import { changeCart } from "../carts/index.ts";
import { buy, fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { changeLevels, sweepLowStock } from "../inventory/index.ts";
import { cancelOrder, fulfilOrder, type Order, refundOrder } from "../orders/index.ts";
import { createMailer, type Mailer, type MailRequest, sendMail, setMerchantEmail } from "./index.ts";
import { formatMoney, orderConfirmation } from "./templates/order_confirmation.ts";

const FROM = "Tradewind <shop@tradewind.example>";

let shop: Shop;
let mailer: Mailer;
beforeAll(async () => {
  shop = await openShop([1_000]);
  mailer = createMailer({ smtpUrl: (await testServers()).smtpUrl, from: FROM });
});
afterAll(async () => {
  await mailer.close();
  await shop.drop();
});

async function placedOrder(email: string | null): Promise<Order> {
  const cart = await fillCart(shop, [[0, 2]]);
  const address = {
    name: "<b>Ada</b> & Co",
    line1: "1 Quay",
    city: "Porto",
    postalCode: "4000",
    country: "PT",
  };
  await changeCart(shop.sql, shop.store.id, cart.id, { email, shippingAddress: address });
  const answer = await buy(shop, cart.id);
  if (answer.status !== 201) throw new Error("not placed");
  return answer.order;
}

const requestFor = (order: Order) => ({
  storeId: shop.store.id,
  template: "order_confirmation" as const,
  subjectId: order.id,
  eventId: `order.placed:${order.id}`,
});

const someone = () => `buyer-${crypto.randomUUID()}@example.com`;

/** Mails in the catcher to one recipient. */
async function mailsTo(recipient: string): Promise<Record<string, unknown>[]> {
  const { mailboxUrl, mailboxToken } = await testServers();
  const headers = { authorization: `Bearer ${mailboxToken}` };
  const response = await fetch(`${mailboxUrl}/mails?limit=100`, { headers });
  const { items } = (await response.json()) as { items: { to: string[] }[] };
  return items.filter(one => one.to.includes(recipient));
}

/** An SMTP server that answers as told. */
async function smtpThat(answer: () => { code: number } | null) {
  const received: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    onRcptTo(_address, _session, callback) {
      const refusal = answer();
      callback(refusal ? Object.assign(new Error("no"), { responseCode: refusal.code }) : null);
    },
    onData(stream, _session, callback) {
      let text = "";
      stream.on("data", chunk => {
        text += chunk;
      });
      stream.on("end", () => {
        received.push(text);
        callback();
      });
    },
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as { port: number };
  const own = createMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, from: FROM });
  const close = async () => {
    await own.close();
    await new Promise<void>(resolve => server.close(() => resolve()));
  };
  return { mailer: own, received, close };
}

describe("what happens to an order", () => {
  const author = () => ({ storeId: shop.store.id, actor: "key_test" });
  const deps = () => ({ sql: shop.sql, log: shop.deps.log, providers: shop.deps.providers });
  const asked = (order: Order) => ({ author: author(), orderId: order.id, key: null });

  /** The mail jobs that are waiting, but for confirmations. */
  async function waiting(): Promise<Omit<MailRequest, "storeId">[]> {
    const rows = await shop.sql`
      DELETE FROM bus.outbox WHERE kind = 'email.send' RETURNING payload`;
    return rows.map(row => row.payload).filter(payload => payload.template !== "order_confirmation");
  }

  test("is told to the buyer: sent with its tracking number, refunded with the amount, cancelled", async () => {
    const smtp = await smtpThat(() => null);
    const order = await placedOrder(someone());
    await fulfilOrder(deps(), asked(order), { carrier: "Post", trackingNumber: "T-42" });
    await refundOrder(deps(), asked(order), { amountMinor: 1_234 });
    await cancelOrder(deps(), asked(await placedOrder(someone())), {});
    const requests = await waiting();
    expect(requests.map(one => one.template).toSorted()).toEqual([
      "order_cancelled",
      "order_refunded",
      "order_shipped",
    ]);
    for (const request of requests) {
      const own = { sql: shop.sql, mailer: smtp.mailer };
      expect(await sendMail(own, { storeId: shop.store.id, ...request })).toEqual({ outcome: "sent" });
      expect(await sendMail(own, { storeId: "store_other", ...request })).toEqual({ outcome: "no_subject" });
    }
    const read = await Promise.all(smtp.received.map(raw => PostalMime.parse(raw)));
    const all = read.map(mail => `${mail.subject}\n${mail.text}`).join("\n");
    for (const word of ["Post T-42", "12.34", "You have not been charged", "Product 0"])
      expect(all).toContain(word);
    await smtp.close();
  });

  test("is told to the merchant when stock is low, if there is somebody to tell", async () => {
    const smtp = await smtpThat(() => null);
    const own = { sql: shop.sql, mailer: smtp.mailer };
    await changeLevels(shop.sql, author(), shop.variants[0]!, { lowThreshold: 5_000 });
    await sweepLowStock(shop);
    const [request] = await waiting();
    const low = { storeId: shop.store.id, ...request! };
    expect(await sendMail(own, low)).toEqual({ outcome: "no_recipient" });
    await setMerchantEmail(shop.sql, author(), "merchant@shop.example");
    expect(await sendMail(own, low)).toEqual({ outcome: "sent" });
    expect(smtp.received[0]).toMatch(/^Subject: Low stock: Product 0/m);
    await changeLevels(shop.sql, author(), shop.variants[0]!, { lowThreshold: null });
    await smtp.close();
  });
});

describe("a mail", () => {
  test("that is out is not sent again because its note could not be written at once", async () => {
    const smtp = await smtpThat(() => null);
    const order = await placedOrder(someone());
    await shop.sql.unsafe(`
      CREATE FUNCTION notifications.away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'away'; END $$;
      CREATE TRIGGER away BEFORE UPDATE ON notifications.mail FOR EACH ROW EXECUTE FUNCTION notifications.away()`);
    const signal = new AbortController().signal;
    const sent = sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order), signal);
    await until(() => smtp.received.length === 1);
    await shop.sql.unsafe("DROP TRIGGER away ON notifications.mail; DROP FUNCTION notifications.away");
    expect(await sent).toEqual({ outcome: "sent" });
    expect(await sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order))).toEqual({
      outcome: "sent_before",
    });
    expect(smtp.received).toHaveLength(1);
    await smtp.close();
  });

  test("reaches the mailbox once, also when its job runs again and again at the same time", async () => {
    const recipient = someone();
    const order = await placedOrder(recipient);
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => sendMail({ sql: shop.sql, mailer }, requestFor(order))),
    );
    expect(runs.filter(one => one.outcome === "sent")).toHaveLength(1);
    expect(new Set(runs.map(one => one.outcome))).not.toContain("refused");
    expect(await sendMail({ sql: shop.sql, mailer }, requestFor(order))).toEqual({ outcome: "sent_before" });
    await until(async () => (await mailsTo(recipient)).length > 0);
    const mails = await mailsTo(recipient);
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ to: [recipient], subject: `Your order ${order.number}` });
  });

  test("has a Message-ID that follows from what it is about", async () => {
    const smtp = await smtpThat(() => null);
    const order = await placedOrder(someone());
    await sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order));
    await shop.sql`UPDATE notifications.mail SET status = 'sending', lease_until = now()`;
    await sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order));
    const ids = smtp.received.map(
      text => /^Message-ID: (<[0-9a-f]{32}@tradewind\.example>)/im.exec(text)?.[1],
    );
    expect(ids[0]).toBeString();
    expect(ids[1]).toBe(ids[0]!);
    await smtp.close();
  });

  test("refused for now is thrown, and the next try sends it at once", async () => {
    let busy = true;
    const smtp = await smtpThat(() => (busy ? { code: 451 } : null));
    const order = await placedOrder(someone());
    expect(sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order))).rejects.toThrow();
    await until(
      async () =>
        (
          await shop.sql`SELECT 1 FROM notifications.mail
      WHERE event_id = ${requestFor(order).eventId} AND lease_until <= now()`
        ).length === 1,
    );
    busy = false;
    expect(await sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order))).toEqual({
      outcome: "sent",
    });
    await smtp.close();
  });

  test("refused for good is not tried again", async () => {
    const smtp = await smtpThat(() => ({ code: 550 }));
    const order = await placedOrder(someone());
    expect(await sendMail({ sql: shop.sql, mailer: smtp.mailer }, requestFor(order))).toMatchObject({
      outcome: "refused",
    });
    expect(await sendMail({ sql: shop.sql, mailer }, requestFor(order))).toMatchObject({
      outcome: "refused",
    });
    await smtp.close();
  });

  test("to a server that isn't there is thrown and may be tried again at once", async () => {
    const nowhere = createMailer({ smtpUrl: "smtp://127.0.0.1:1", from: FROM });
    const order = await placedOrder(someone());
    await sendMail({ sql: shop.sql, mailer: nowhere }, requestFor(order)).then(
      () => expect.unreachable(),
      () => {},
    );
    expect(await sendMail({ sql: shop.sql, mailer }, requestFor(order))).toEqual({ outcome: "sent" });
    await nowhere.close();
  });

  test("claimed by a run that is still under way waits for the end of the claim", async () => {
    const order = await placedOrder(someone());
    const request = requestFor(order);
    await shop.sql`
      INSERT INTO notifications.mail (store_id, event_id, template, recipient, message_id, lease_until)
      VALUES (${shop.store.id}, ${request.eventId}, ${request.template}, ${order.email}, '<x@y>', now() + interval '9 s')`;
    const result = await sendMail({ sql: shop.sql, mailer }, request);
    expect(result.outcome).toBe("claimed_elsewhere");
    if (result.outcome === "claimed_elsewhere") expect(result.freeInMs).toBeWithin(1, 9_001);
    await shop.sql`UPDATE notifications.mail SET lease_until = now() WHERE event_id = ${request.eventId}`;
    expect(await sendMail({ sql: shop.sql, mailer }, request)).toEqual({ outcome: "sent" });
  });

  test("about nothing, or to nobody, is not sent", async () => {
    const order = await placedOrder(null);
    expect(await sendMail({ sql: shop.sql, mailer }, requestFor(order))).toEqual({ outcome: "no_recipient" });
    const unknown = { ...requestFor(order), subjectId: "ord_00000000000000000000000000000000" };
    expect(await sendMail({ sql: shop.sql, mailer }, unknown)).toEqual({ outcome: "no_subject" });
  });
});

describe("an order confirmation", () => {
  test("tells lines and totals, and escapes what people typed", async () => {
    const { subject, text, html } = orderConfirmation(await placedOrder("a@b.example"));
    expect(subject).toMatch(/^Your order [0-9A-Z]{8}$/);
    expect(text).toContain("2 × Product 0: €20.00");
    expect(text).toContain("Total: €20.00");
    expect(text).toContain("<b>Ada</b> & Co");
    expect(html).toContain("&lt;b&gt;Ada&lt;/b&gt; &amp; Co");
    expect(html).not.toContain("<b>Ada");
    expect(html).toContain("€20.00");
  });

  test("formats money exactly in currencies of two, no and three decimals", () => {
    expect(formatMoney(123_456, "EUR")).toBe("€1,234.56");
    expect(formatMoney(5, "EUR")).toBe("€0.05");
    expect(formatMoney(1_230, "JPY")).toBe("¥1,230");
    expect(formatMoney(1_234_567, "KWD")).toBe("KWD\u00a01,234.567");
    expect(formatMoney(900_719_925_474_099_1, "EUR")).toBe("€90,071,992,547,409.91");
  });
});
