/** What payment providers call. They have no key of ours; a signature over the raw body says who they are. */
import { Elysia, t } from "elysia";
import { readStripeEvent, receive } from "../../../commerce/payments/index.ts";
import { notFound, Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import type { RequestMeta } from "../http/context.ts";
import { documented } from "../http/documented.ts";

const MAX_BYTES = 256 * 1_024;

/** The body as it came, to the byte. @throws Problem 413 */
async function rawBody(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Problem(413, "body_too_large", "A webhook has at most 256 KB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function webhookRoutes({ sql, bus, config }: ApiDeps) {
  const secret = config.stripeWebhookSecret;
  const stripe = async (context: { request: Request }) => {
    if (!secret) throw notFound("webhook");
    const { request } = context;
    const { traceparent } = (context as unknown as { meta: RequestMeta }).meta;
    const signature = request.headers.get("stripe-signature") ?? "";
    const event = await readStripeEvent(await rawBody(request), signature, secret);
    const received = event !== null && (await receive(sql, event, traceparent));
    if (received) bus.poke();
    return { received };
  };
  const options = {
    parse: "none" as const,
    detail: {
      summary: "What Stripe tells us",
      description:
        "Signed with TRADEWIND_STRIPE_WEBHOOK_SECRET (`Stripe-Signature`); 400 `signature_invalid`. An event is taken once, by its id.",
    },
    response: documented({
      200: t.Object({
        received: t.Boolean({ description: "false: known before, or about no payment of ours" }),
      }),
    }),
  };
  return (
    new Elysia({ prefix: "/webhooks", detail: { tags: ["webhooks"] } })
      .post("/stripe", stripe, options)
      // A URL a store, for those who want them apart; the event itself names the store.
      .post("/stripe/:storeId", stripe, {
        ...options,
        params: t.Object({ storeId: t.String({ maxLength: 64 }) }),
      })
  );
}
