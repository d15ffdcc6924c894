import { conflict, invalid, notFound, Problem } from "../../platform/errors.ts";
import type { Begun } from "./model.ts";

/** The refusals that are not stored: the same key may try again. */
export function refusalOf(
  begun: Exclude<Begun, { outcome: "started" | "taken_over" | "answered" }>,
): Problem {
  switch (begun.outcome) {
    case "key_reused":
      return new Problem(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used with another request.",
      );
    case "cart_missing":
      return notFound("cart");
    case "cart_empty":
      return invalid(
        [{ path: "lines", message: "the cart has no lines" }],
        "An empty cart can't be checked out.",
      );
    case "cart_completed":
      return conflict("cart_completed", "This cart has become an order.", { orderId: begun.orderId });
    case "price_changed":
      return conflict(
        "price_changed",
        "The total has changed since the cart was shown; read the cart again.",
        {
          shownTotalMinor: begun.shownTotalMinor,
          totalMinor: begun.totalMinor,
          currency: begun.currency,
        },
      );
    case "cart_busy":
    case "in_progress":
      return new Problem(409, "in_progress", "This checkout is being worked on; ask again in a moment.", {
        headers: { "retry-after": "1" },
      });
  }
}

/** A checkout that came to no answer after it had taken or given back stock: what that made old is known by the attempt's trace. */
export class Unfinished extends Problem {
  override name = "Unfinished";
  constructor(
    problem: Problem,
    /** Of the request that began the attempt; another one may have taken it over. */
    readonly traceparent: string,
  ) {
    super(problem.status, problem.code, problem.detail, problem.more);
  }
}

export const unanswered = (traceparent: string) =>
  new Unfinished(
    new Problem(
      504,
      "payment_unanswered",
      "The payment provider did not answer. Ask again with the same Idempotency-Key: nothing is charged twice.",
      { headers: { "retry-after": "2" } },
    ),
    traceparent,
  );

export const lapsed = (traceparent: string) =>
  new Unfinished(
    conflict(
      "checkout_lapsed",
      "The checkout took longer than its stock was held. Nothing is charged; try again.",
    ),
    traceparent,
  );
