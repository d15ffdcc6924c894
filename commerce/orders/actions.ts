/**
 * What is done with an order after it was placed: cancel, refund, fulfil.
 *
 * States
 *   action    requested → done | failed; done at once where the provider need not be asked
 *   intent    authorised → capturing → captured; authorised → voiding → voided
 *   refund    requested → done | refused (payments.refund, under the action's id)
 *   order     orders.transition and orders.state_transition
 *
 * Steps
 *   begin     one transaction under the order's lock (`orders.begin_*`): checks, units and money promised, stock back, timeline,
 *             audit; what the provider is to do is written as a promise (capturing, voiding, requested).
 *   ask       the provider captures, voids or refunds, under our ids; no transaction is open.
 *   settle    one transaction (`orders.settle_capture`, `orders.settle`): the promise is kept or taken back.
 *
 * What a crash does
 *   in begin or settle   nothing: each is one transaction.
 *   after begin          the action stays `requested`, and {@link recoverActions} asks the provider; a voiding intent is voided by
 *                        the recovery of checkouts.
 *   after ask            the same question is asked again: the provider knows our ids and does nothing twice.
 *
 * When the money is taken: with the first fulfilment, all of it. Until then a cancelled order costs nobody a fee, and card
 * schemes want goods to be sent before they are charged. A refund of an order that is only authorised captures first.
 *
 * Races: actions of one order follow one another by its lock. Cancel wants nothing sent or requested; what comes second is
 * refused, or sees what the first has promised. Stock comes back once because each unit of a reservation counts what came
 * back (`inventory.restore`), also when `stock.commit` has not run yet: then it finds the reservation committed.
 */
import { type Bus, outboxRows } from "../../bus/index.ts";
import { invalid, notFound } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { stockChanged } from "../inventory/index.ts";
import { findIntent, type Providers, voidIntent } from "../payments/index.ts";
import { refusalOf } from "./errors.ts";
import type { ActionStatus, Order } from "./model.ts";
import { finishAction } from "./settle.ts";
import * as store from "./store.actions.ts";
import { selectDocument } from "./store.ts";

/** The places between the steps, where a test can let the process die. */
export type ActionStep = "begun" | "captured" | "refunded" | "voided";

export type ActionDeps = {
  readonly sql: Db;
  readonly log: Log;
  readonly providers: Providers;
  readonly bus?: Pick<Bus, "poke"> | undefined;
  /** What it throws ends the action there, as a crash would. */
  readonly between?: (step: ActionStep) => void | Promise<void>;
};

/** Who asks; `key`: the caller's Idempotency-Key, under which the action happens once. */
export type ActionRequest = { author: Author; orderId: string; key: string | null };

export type ActionResult = {
  id: string;
  status: ActionStatus;
  /** Why it failed. */
  error: string | null;
  /** This key's action was begun before. */
  replayed: boolean;
  order: Order;
};

export type CancelInput = { reason?: string | undefined };

/** Cancels an order of which nothing was sent. @throws Problem 404; 409 `order_state`, `in_progress`; 422 for a used key. */
export function cancelOrder(
  deps: ActionDeps,
  request: ActionRequest,
  input: CancelInput,
): Promise<ActionResult> {
  const rows = outboxRows(request.author, [{ type: "order.cancelled", orderId: request.orderId }]);
  return act(deps, request, "cancel", { reason: input.reason?.toWellFormed() }, rows);
}

export type RefundInput = {
  /** Without lines, shipping and amount: all that is left. */
  lines?: { variantId: string; quantity: number; restock?: boolean | undefined }[] | undefined;
  /** The shipping costs, once. */
  shipping?: boolean | undefined;
  /** A free amount, instead of lines and shipping. */
  amountMinor?: number | undefined;
  /** Of a whole refund: the units go back to stock. */
  restock?: boolean | undefined;
  reason?: string | undefined;
};

/**
 * @throws Problem 404; 409 `order_state`, `refund_exceeds_remaining`, `lines_exceed_order`, `nothing_to_refund`; 422.
 */
export function refundOrder(
  deps: ActionDeps,
  request: ActionRequest,
  input: RefundInput,
): Promise<ActionResult> {
  if (input.amountMinor !== undefined && (input.lines !== undefined || input.shipping)) {
    throw invalid([{ path: "amountMinor", message: "stands alone, without lines and shipping" }]);
  }
  refuseDoubles(input.lines);
  return act(deps, request, "refund", { ...input, reason: input.reason?.toWellFormed() }, []);
}

export type FulfilmentInput = {
  /** Without: all that is left. */
  lines?: { variantId: string; quantity: number }[] | undefined;
  carrier?: string | undefined;
  trackingNumber?: string | undefined;
};

/** @throws Problem 404; 409 `order_state`, `lines_exceed_order`, `nothing_to_fulfil`; 422. */
export function fulfilOrder(
  deps: ActionDeps,
  request: ActionRequest,
  input: FulfilmentInput,
): Promise<ActionResult> {
  refuseDoubles(input.lines);
  const { carrier, trackingNumber } = input;
  const wellFormed = { carrier: carrier?.toWellFormed(), trackingNumber: trackingNumber?.toWellFormed() };
  return act(deps, request, "fulfilment", { ...input, ...wellFormed }, []);
}

function refuseDoubles(lines: readonly { variantId: string }[] | undefined): void {
  const ids = lines?.map(line => line.variantId) ?? [];
  const double = ids.findIndex((id, i) => ids.indexOf(id) !== i);
  if (double >= 0) throw invalid([{ path: `lines.${double}.variantId`, message: "is there twice" }]);
}

const prefixes = { cancel: "can", refund: "ref", fulfilment: "ful" } as const;
const audited = { cancel: "cancel", refund: "refund", fulfilment: "fulfil" } as const;

async function act(
  deps: ActionDeps,
  { author, orderId, key }: ActionRequest,
  kind: store.ActionKind,
  input: object,
  rows: readonly unknown[],
): Promise<ActionResult> {
  if (!isId("ord", orderId)) throw notFound("order");
  const { storeId, traceparent } = author;
  const action: store.NewAction = {
    ...input,
    id: newId(prefixes[kind]),
    key,
    fingerprint: new Bun.CryptoHasher("sha256").update(JSON.stringify([kind, orderId, input])).digest("hex"),
    author: author.actor,
    traceparent,
  };
  const begun = await transaction(deps.sql, async tx => {
    const result = await store.begin(tx, kind, { storeId, orderId }, action, {
      changed: stockChanged(author),
      rows: rows.length > 0 ? rows : store.rowsOf({ storeId, traceparent }, kind, action.id),
    });
    if (result.outcome === "begun") {
      await recordAudit(tx, {
        ...author,
        action: audited[kind],
        entity: "order",
        entityId: orderId,
        changes: diff(null, input),
      });
    }
    return result;
  });
  if (begun.outcome !== "begun" && begun.outcome !== "known") throw refusalOf(kind, begun);
  deps.bus?.poke();
  const id = begun.outcome === "known" ? begun.id : action.id;
  if (begun.outcome === "begun") {
    await deps.between?.("begun");
    if (begun.voiding) await keepVoid(deps, storeId, orderId);
  }
  await finishQuietly(deps, storeId, id);
  return resultOf(deps.sql, storeId, orderId, id, begun.outcome === "known");
}

/** What the provider does not answer now is done by the sweep; the action stays `requested` until then. */
async function finishQuietly(deps: ActionDeps, storeId: string, id: string): Promise<void> {
  try {
    await finishAction(deps, storeId, id);
    deps.bus?.poke();
  } catch (error) {
    if (deps.between) throw error;
    deps.log.warn({ err: error, actionId: id }, "an action on an order is left to the sweep");
  }
}

async function keepVoid(deps: ActionDeps, storeId: string, orderId: string): Promise<void> {
  const intentId = await store.selectIntentOf(deps.sql, storeId, orderId);
  const { provider } = (await findIntent(deps.sql, { storeId, intentId }))!;
  await voidIntent(deps, { storeId, intentId, provider }).catch(error =>
    deps.log.warn({ err: error, orderId }, "an authorisation could not be voided yet"),
  );
  await deps.between?.("voided");
}

async function resultOf(
  sql: Db,
  storeId: string,
  orderId: string,
  id: string,
  replayed: boolean,
): Promise<ActionResult> {
  const action = (await store.selectAction(sql, storeId, id))!;
  const order = (await selectDocument(sql, storeId, orderId))!;
  return { id, status: action.status, error: action.error, replayed, order };
}
