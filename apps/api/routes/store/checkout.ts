/** `POST /store/carts/:id/checkout`. Answers that are stored come back the same, byte for byte, for the same key. */
import { Elysia, t } from "elysia";
import { tagOf } from "../../../../bus/index.ts";
import {
  type CheckoutAnswer,
  type CheckoutDeps,
  checkout,
  openGroups,
  Unfinished,
} from "../../../../commerce/checkout/index.ts";
import { openProviders } from "../../../../commerce/payments/index.ts";
import { invalid, Problem } from "../../../../platform/errors.ts";
import { cacheOf } from "../../cache/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { admissionOf } from "../../http/admission.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { flashOf } from "../../http/flash.ts";
import { problemDocument } from "../../http/problem.ts";
import { limited } from "../../http/rate-limit.ts";
import { payment } from "./carts.schema.ts";
import { queuedView } from "./orders.queue.ts";
import { orderView } from "./orders.schema.ts";

function idempotencyKey(headers: Headers): string {
  const key = headers.get("idempotency-key") ?? "";
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new Problem(
    400,
    key === "" ? "idempotency_key_missing" : "idempotency_key_invalid",
    "A checkout wants a header Idempotency-Key of 1 to 255 printable ASCII characters.",
  );
}

type Refusal = Extract<CheckoutAnswer, { refusal: unknown }>["refusal"];

function problemFor(status: number, refusal: Refusal): Problem {
  switch (refusal.code) {
    case "payment_declined":
      return new Problem(status, refusal.code, "The payment was declined. Nothing is charged.");
    case "out_of_stock":
      return new Problem(status, refusal.code, "There is not enough stock for these lines.", {
        extensions: { lines: refusal.lines },
      });
  }
}

/** Checks out; what that has changed is old on this node before it is answered. */
async function settled(deps: ApiDeps, work: () => Promise<CheckoutAnswer>) {
  const { settle, dropOwn } = cacheOf(deps);
  try {
    const answer = await work();
    // The order says which products, so that nothing need be asked. Of who is declined, stock was held and let go.
    if (answer.status === 201) dropOwn(answer.order.lines.map(line => tagOf.stock(line.productId)));
    else if (answer.status === 402) await settle(answer.traceparent);
    return answer;
  } catch (error) {
    if (error instanceof Unfinished) await settle(error.traceparent);
    throw error;
  }
}

export function checkoutRoutes(deps: ApiDeps) {
  const checkoutDeps: CheckoutDeps = {
    sql: deps.sql,
    log: deps.log,
    bus: deps.bus,
    providers: openProviders(deps.sql, deps.config),
    groups: openGroups(deps.sql, { max: deps.config.checkoutGroup }),
    holdMs: deps.config.reservationSeconds * 1_000,
  };
  const admitted = admissionOf(deps);
  return new Elysia({ prefix: "/store/carts", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .use(customerContext(deps))
    .post(
      "/:id/checkout",
      async ({ access, params, body, request, traceparent, set }) => {
        const wanted = {
          storeId: access.storeId,
          cartId: params.id,
          key: idempotencyKey(request.headers),
          payment: body.payment,
          traceparent,
        };
        if (!checkoutDeps.providers[body.payment.provider]) {
          throw invalid([{ path: "payment.provider", message: "is not set up in this deployment" }]);
        }
        const door = await flashOf(deps).door.accept(wanted);
        if ("id" in door) {
          set.status = 202;
          set.headers.location = door.location;
          return { id: door.id, status: "pending" as const, queue: door.queue };
        }
        const answer =
          "direct" in door
            ? await settled(deps, () => admitted(() => checkout(checkoutDeps, wanted)).finally(door.done))
            : door;
        set.status = answer.status;
        if (answer.replayed) set.headers["idempotency-replayed"] = "true";
        if (answer.status === 201) {
          set.headers.location = answer.location;
          return answer.order;
        }
        set.headers["content-type"] = "application/problem+json; charset=utf-8";
        // The trace of the first answer: a repetition is the same to the byte.
        return problemDocument(problemFor(answer.status, answer.refusal), answer.traceparent);
      },
      {
        params: t.Object({ id: t.String({ maxLength: 200 }) }),
        body: payment,
        beforeHandle: limited(
          deps,
          "checkout",
          ({ customer, params }) => customer?.id ?? { id: (params as { id: string }).id, alone: true },
        ),
        detail: {
          summary: "Check a cart out",
          description:
            "Wants a header `Idempotency-Key` (400 `idempotency_key_missing`, `idempotency_key_invalid`). The same key gets the same answer for 24 hours, with `Idempotency-Replayed: true`. " +
            "402 `payment_declined`; 409 `out_of_stock`, `price_changed`, `cart_completed`, `in_progress`, `checkout_lapsed`; " +
            "422 `idempotency_key_reused`; 429 `rate_limited`, in flash mode `queue_full`, in a sale `busy`; 504 `payment_unanswered`: ask again with the same key.",
          parameters: [
            {
              in: "header",
              name: "Idempotency-Key",
              required: true,
              schema: { type: "string", minLength: 1, maxLength: 255 },
            },
          ],
        },
        response: documented({ 201: orderView, 202: queuedView }),
      },
    );
}
