import { conflict, notFound, Problem } from "../../platform/errors.ts";
import type { ActionKind, Begun } from "./store.actions.ts";

const done: Record<ActionKind, string> = {
  cancel: "cancelled",
  refund: "refunded",
  fulfilment: "fulfilled",
};

/** Why an action was not begun. */
export function refusalOf(
  kind: ActionKind,
  begun: Exclude<Begun, { outcome: "begun" } | { outcome: "known" }>,
): Problem {
  switch (begun.outcome) {
    case "missing":
      return notFound("order");
    case "key_reused":
      return new Problem(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used with another request.",
      );
    case "busy":
      return new Problem(
        409,
        "in_progress",
        "Another action on this order is under way; ask again in a moment.",
        {
          headers: { "retry-after": "2" },
        },
      );
    case "wrong_state": {
      const { outcome: _, status, ...others } = begun;
      const detail = `An order in this state can't be ${done[kind]}.`;
      return conflict("order_state", detail, { orderStatus: status, ...others });
    }
    case "nothing":
      return kind === "refund"
        ? conflict("nothing_to_refund", "Nothing of this order is left to be refunded.")
        : conflict("nothing_to_fulfil", "Nothing of this order is left to be sent.");
    case "lines":
      return conflict("lines_exceed_order", `More units than are left to be ${done[kind]}.`, {
        lines: begun.lines,
      });
    case "too_much": {
      const { requestedMinor, remainingMinor } = begun;
      const detail = "That is more than is left of what was paid.";
      return conflict("refund_exceeds_remaining", detail, { requestedMinor, remainingMinor });
    }
  }
}
