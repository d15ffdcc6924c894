/**
 * Stripe's documented answers on a local port, as far as we use them: PaymentIntents with manual capture
 * (docs.stripe.com/api/payment_intents, …/lifecycle), refunds, idempotent requests (docs.stripe.com/api/idempotent_requests),
 * errors (docs.stripe.com/api/errors), test cards (docs.stripe.com/testing) and signed webhooks. For tests.
 */
import Stripe from "stripe";

export const cards = {
  ok: "pm_card_visa",
  declined: "pm_card_chargeDeclined",
  authentication: "pm_card_authenticationRequired",
  /** Ours: the payment goes through, and the answer never comes. */
  lostAnswer: "pm_card_lostAnswer",
} as const;

type PaymentIntent = {
  id: string;
  object: "payment_intent";
  amount: number;
  amount_received: number;
  currency: string;
  capture_method: string;
  status: string;
  payment_method: string | null;
  last_payment_error: object | null;
  metadata: Record<string, string>;
};
type Reply = { status: number; body: object };
type Used = { print: string; reply: Promise<Reply> };

export type StripeStandIn = {
  readonly url: string;
  readonly secretKey: string;
  /** Requests that reached it, as `POST /v1/…`. */
  readonly requests: string[];
  /** All PaymentIntents, oldest first. */
  intents(): PaymentIntent[];
  /** Every request fails with this status until it is set back to null. */
  fail(status: number | null): void;
  /** The body and the header of a signed webhook about a PaymentIntent. */
  webhook(
    type: string,
    intent: object,
    secret: string,
    id?: string,
  ): Promise<{ body: string; signature: string }>;
  stop(): Promise<void>;
};

function refusal(status: number, type: string, code: string, message: string, more: object = {}): Reply {
  return { status, body: { error: { type, code, message, ...more } } };
}
const invalid = (code: string, message: string, more: object = {}) =>
  refusal(400, "invalid_request_error", code, message, more);

/** `a[b]=c` → { a: { b: "c" } } for the one level that we use. */
function parse(text: string): Record<string, string> & { metadata: Record<string, string> } {
  const flat: Record<string, string> = {};
  const metadata: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    if (key) metadata[key] = value;
    else flat[name] = value;
  }
  return { ...flat, metadata } as never;
}

class Books {
  readonly intents = new Map<string, PaymentIntent>();
  readonly refunded = new Map<string, number>();
  #count = 0;

  create(params: ReturnType<typeof parse>): Reply {
    const amount = Number(params.amount);
    if (!(amount >= 1))
      return invalid("parameter_invalid_integer", "Invalid positive integer", { param: "amount" });
    const intent: PaymentIntent = {
      id: `pi_${++this.#count}_${crypto.randomUUID().slice(0, 8)}`,
      object: "payment_intent",
      amount,
      amount_received: 0,
      currency: params.currency ?? "",
      capture_method: params.capture_method ?? "automatic",
      status: "requires_payment_method",
      payment_method: null,
      last_payment_error: null,
      metadata: params.metadata,
    };
    this.intents.set(intent.id, intent);
    return { status: 200, body: { ...intent } };
  }

  confirm(intent: PaymentIntent, method: string): Reply {
    if (intent.status !== "requires_payment_method") return this.#unexpected(intent, "confirm");
    if (!Object.values(cards).includes(method as never)) {
      return invalid("resource_missing", `No such PaymentMethod: '${method}'`, { param: "payment_method" });
    }
    if (method === cards.declined) {
      intent.last_payment_error = {
        type: "card_error",
        code: "card_declined",
        decline_code: "generic_decline",
      };
      return refusal(402, "card_error", "card_declined", "Your card was declined.", {
        payment_intent: { ...intent },
      });
    }
    intent.payment_method = method;
    intent.status = method === cards.authentication ? "requires_action" : "requires_capture";
    return { status: 200, body: { ...intent } };
  }

  capture(intent: PaymentIntent): Reply {
    if (intent.status !== "requires_capture") return this.#unexpected(intent, "capture");
    Object.assign(intent, { status: "succeeded", amount_received: intent.amount });
    return { status: 200, body: { ...intent } };
  }

  cancel(intent: PaymentIntent): Reply {
    if (["succeeded", "canceled"].includes(intent.status)) return this.#unexpected(intent, "cancel");
    intent.status = "canceled";
    return { status: 200, body: { ...intent } };
  }

  refund(params: Record<string, string>): Reply {
    const intent = this.intents.get(params.payment_intent ?? "");
    if (!intent) return invalid("resource_missing", "No such payment_intent", { param: "payment_intent" });
    const before = this.refunded.get(intent.id) ?? 0;
    const amount = Number(params.amount);
    if (intent.status !== "succeeded")
      return invalid(
        "payment_intent_unexpected_state",
        "This PaymentIntent does not have a successful charge to refund.",
      );
    if (before + amount > intent.amount_received)
      return invalid("charge_already_refunded", "Refund amount is greater than unrefunded amount on charge");
    this.refunded.set(intent.id, before + amount);
    const id = `re_${++this.#count}`;
    return {
      status: 200,
      body: { id, object: "refund", amount, payment_intent: intent.id, status: "succeeded" },
    };
  }

  #unexpected(intent: PaymentIntent, act: string): Reply {
    const message = `You cannot ${act} this PaymentIntent because it has a status of ${intent.status}.`;
    return invalid("payment_intent_unexpected_state", message, { payment_intent: { ...intent } });
  }
}

function answer(books: Books, method: string, path: string, text: string): Reply {
  const params = parse(text);
  if (method === "POST" && path === "/v1/payment_intents") return books.create(params);
  if (method === "POST" && path === "/v1/refunds") return books.refund(params);
  const [, id = "", act] = /^\/v1\/payment_intents\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  const intent = books.intents.get(id);
  if (!intent)
    return refusal(404, "invalid_request_error", "resource_missing", `No such payment_intent: '${id}'`);
  if (method === "GET" && !act) return { status: 200, body: { ...intent } };
  if (act === "confirm") return books.confirm(intent, params.payment_method ?? "");
  if (act === "capture") return books.capture(intent);
  if (act === "cancel") return books.cancel(intent);
  return refusal(404, "invalid_request_error", "url_invalid", "Unrecognized request URL");
}

export function startStripeStandIn(): StripeStandIn {
  const books = new Books();
  const used = new Map<string, Used>();
  const requests: string[] = [];
  const secretKey = `sk_test_${crypto.randomUUID().replaceAll("-", "")}`;
  let failing: number | null = null;

  async function serve(request: Request): Promise<{ reply: Reply; replayed: boolean; lost: boolean }> {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    requests.push(`${request.method} ${pathname}`);
    const once = (reply: Reply) => ({ reply, replayed: false, lost: false });
    if (request.headers.get("authorization") !== `Bearer ${secretKey}`) {
      return once(refusal(401, "invalid_request_error", "api_key_invalid", "Invalid API Key provided"));
    }
    if (failing)
      return once(refusal(failing, "api_error", "internal", "Something went wrong on Stripe's end."));
    const key = request.headers.get("idempotency-key");
    const print = `${request.method} ${pathname} ${text}`;
    const before = key && used.get(key);
    if (before) {
      if (before.print !== print)
        return once(
          refusal(
            400,
            "idempotency_error",
            "",
            "Keys for idempotent requests can only be used with the same parameters.",
          ),
        );
      return { reply: await before.reply, replayed: true, lost: false };
    }
    const reply = answer(books, request.method, pathname, text);
    if (key) used.set(key, { print, reply: Promise.resolve(reply) });
    return { reply, replayed: false, lost: text.includes(cards.lostAnswer) };
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { reply, replayed, lost } = await serve(request);
      if (lost) await new Promise(resolve => request.signal.addEventListener("abort", resolve));
      return Response.json(reply.body, {
        status: reply.status,
        headers: {
          "request-id": `req_${requests.length}`,
          ...(replayed && { "idempotent-replayed": "true" }),
        },
      });
    },
  });

  return {
    url: `http://127.0.0.1:${server.port}`,
    secretKey,
    requests,
    intents: () => [...books.intents.values()],
    fail(status) {
      failing = status;
    },
    async webhook(type, intent, secret, id = `evt_${crypto.randomUUID().slice(0, 12)}`) {
      const event = {
        id,
        object: "event",
        type,
        data: { object: intent },
        created: Math.floor(Date.now() / 1_000),
      };
      const body = JSON.stringify(event);
      const signature = await Stripe.webhooks.generateTestHeaderStringAsync({ payload: body, secret });
      return { body, signature };
    },
    stop: () => server.stop(true),
  };
}
