/**
 * Buyers: each has a mail address, a cart and one key. A cart whose making failed half-way is left and another begun: only
 * the checkout carries a key. Some pay with a card that is declined or whose bank does not answer; some send the finished
 * checkout once more, as impatient people do, and must get the first answer again.
 */
import type { Answer, Item } from "../journal.ts";
import { type Call, GaveUp, once, pauseAfter, persist } from "./client.ts";
import { type LoadContext, storeHeaders } from "./context.ts";
import type { Source } from "./pace.ts";
import type { Stocked } from "./shop.ts";

export const MAIL_DOMAIN = "crash.example";

const ADDRESS = { name: "B", line1: "Quay 1", city: "Kiel", postalCode: "24103", country: "DE" };
const AGAIN = 0.1;
const CART_TRIES_MS = 60_000;

export function checkouts(context: LoadContext, perSecond: number): Source {
  const { random, shop } = context;
  return {
    name: "checkouts",
    perSecond,
    most: 120,
    async run(index) {
      const token = random.next() < 0.04 ? "decline" : random.next() < 0.03 ? "timeout" : "ok";
      const lines = [{ variant: random.pick(random.next() < 0.2 ? shop.scarce : shop.plenty), quantity: 1 }];
      if (random.next() < 0.3) {
        const more = random.pick(shop.plenty.filter(one => one !== lines[0]!.variant));
        lines.push({ variant: more, quantity: random.between(1, 3) });
      }
      await buy(context, { kind: "order", email: `buyer-${index}@${MAIL_DOMAIN}`, lines, token });
    },
  };
}

export function flashCheckouts(context: LoadContext, perSecond: number): Source {
  return {
    name: "flash",
    perSecond,
    most: 120,
    async run(index) {
      const lines = [{ variant: context.random.pick(context.shop.flash), quantity: 1 }];
      await buy(context, { kind: "flash", email: `flash-${index}@${MAIL_DOMAIN}`, lines, token: "ok" });
    },
  };
}

type Purchase = {
  kind: "order" | "flash";
  email: string;
  lines: { variant: Stocked; quantity: number }[];
  token: string;
};

async function buy(context: LoadContext, purchase: Purchase): Promise<void> {
  const units = Object.fromEntries(purchase.lines.map(({ variant, quantity }) => [variant.id, quantity]));
  const item = context.journal.open(purchase.kind, purchase.email, { units, token: purchase.token });
  try {
    const cart = await fillCart(context, item, purchase);
    const call: Call = {
      method: "POST",
      path: `/store/carts/${cart}/checkout`,
      headers: { ...storeHeaders(context), "idempotency-key": purchase.email },
      body: { payment: { provider: "test", token: purchase.token } },
    };
    item.answer = await persist(item, context.origin, call);
    if (context.random.next() < AGAIN) await repeat(context, item, call);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
  }
}

async function repeat(context: LoadContext, item: Item, call: Call): Promise<void> {
  const again = await persist(item, context.origin, call);
  const [first, second] = [item.answer!, again].map(
    ({ status, body }) => `${status} ${body.id ?? body.code}`,
  );
  // In flash mode the first answer is a place in the queue, the next may be the order.
  if (first !== second && item.kind === "order") item.note(`DIFFERS: ${first}, repeated: ${second}`);
}

async function fillCart(context: LoadContext, item: Item, { email, lines }: Purchase): Promise<string> {
  const headers = storeHeaders(context);
  const deadline = Date.now() + CART_TRIES_MS;
  let last: Answer | Error = new Error("not asked yet");
  const ask = async (origin: string, method: string, path: string, body: unknown) => {
    last = await once(origin, { method, path, headers, body }).catch((error: Error) => error);
    if (last instanceof Error) throw last;
    if (last.status >= 300) throw new Error(`${path}: ${last.status} ${last.body.code}`);
    return last.body.id as string;
  };
  for (;;) {
    try {
      const origin = context.origin();
      const id = await ask(origin, "POST", "/store/carts", {});
      for (const { variant, quantity } of lines)
        await ask(origin, "POST", `/store/carts/${id}/lines`, { variantId: variant.id, quantity });
      await ask(origin, "PATCH", `/store/carts/${id}`, { email, shippingAddress: ADDRESS });
      item.note(`cart ${id}`);
      return id;
    } catch (error) {
      const { message } = error as Error;
      item.note(`no cart: ${message}`);
      if (message.includes("out_of_stock")) {
        item.answer = { status: 409, body: { code: "out_of_stock" } };
        throw new GaveUp(message);
      }
      if (Date.now() > deadline) {
        item.gaveUp = true;
        throw new GaveUp(message);
      }
      await pauseAfter(last);
    }
  }
}
