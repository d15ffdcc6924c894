import { eraseFromJobs, eraseFromTexts } from "../../bus/index.ts";
import { type Db, type Tx, transaction } from "../../platform/postgres/index.ts";
import { eraseCarts, ordersOfCustomer } from "../carts/index.ts";
import { refreshAnswers } from "../checkout/index.ts";
import { emailKey } from "../customers/index.ts";
import { eraseMails } from "../notifications/index.ts";
import { eraseOrders, jobKeysOf } from "../orders/index.ts";
import type { Phase } from "./model.ts";
import * as store from "./store.ts";

/** Rows that one step looks at. */
const PAGE = 2_000;

/**
 * Goes on until the person is forgotten. `gone`: there is no such request. `done` also when it was done before.
 * @throws the signal's reason when it aborts, between two steps.
 */
export async function runErasure(
  sql: Db,
  storeId: string,
  erasureId: string,
  signal: AbortSignal,
  options: { page?: number } = {},
): Promise<"done" | "gone"> {
  const { page = PAGE } = options;
  for (;;) {
    signal.throwIfAborted();
    const open = await transaction(sql, async tx => {
      const request = await store.lock(tx, storeId, erasureId);
      if (request && request.status !== "done") await steps[request.phase](tx, storeId, request, page);
      return request;
    });
    if (!open) return "gone";
    if (open.status === "done") return "done";
  }
}

type Step = (tx: Tx, storeId: string, request: store.Open, limit: number) => Promise<void>;

const steps: Record<Phase, Step> = {
  async orders(tx, storeId, request, limit) {
    const { id, customerId, place: after } = request;
    const theirs = new Set(customerId ? await ordersOfCustomer(tx, storeId, customerId) : []);
    const isTheirs = (order: { id: string; email: string | null }) =>
      theirs.has(order.id) || isTheirMail(request, order.email);
    const { next, erased } = await eraseOrders(tx, storeId, { after, limit, isTheirs });
    const words = erased.flatMap(order => order.words);
    const ids = erased.map(order => order.id);
    if (ids.length > 0) await refreshAnswers(tx, storeId, ids);
    const texts = await eraseFromJobs(tx, await keysOf(tx, storeId, ids), [...request.words, ...words]);
    const then =
      next === null ? { phase: "carts" as const, place: "" } : { phase: "orders" as const, place: next };
    await store.advance(tx, storeId, id, { ...then, words, orders: ids.length, texts });
  },

  async carts(tx, storeId, request, limit) {
    const { id, customerId, place: after } = request;
    const isTheirs = (cart: { email: string | null; customerId: string | null }) =>
      (customerId !== null && cart.customerId === customerId) || isTheirMail(request, cart.email);
    const { next, erased, words } = await eraseCarts(tx, storeId, { after, limit, isTheirs });
    const then =
      next === null ? { phase: "mails" as const, place: "" } : { phase: "carts" as const, place: next };
    await store.advance(tx, storeId, id, { ...then, words, carts: erased });
  },

  async mails(tx, storeId, request, limit) {
    const { id, place } = request;
    const after = place === "" ? null : (JSON.parse(place) as [string, string, string]);
    const isTheirs = (recipient: string) => isTheirMail(request, recipient);
    const { next, erased } = await eraseMails(tx, storeId, { after, limit, isTheirs });
    const then =
      next === null
        ? { phase: "texts" as const, place: "" }
        : { phase: "mails" as const, place: JSON.stringify(next) };
    await store.advance(tx, storeId, id, { ...then, mails: erased });
  },

  /** What errors of other jobs quote, such as those that ran in one batch with theirs. */
  async texts(tx, storeId, { id, words }) {
    const texts = await eraseFromTexts(tx, words);
    if (texts > 0) await store.advance(tx, storeId, id, { phase: "texts", place: "", texts });
    else await store.finish(tx, storeId, id);
  },
};

function isTheirMail({ emailKey: key }: store.Open, email: string | null): boolean {
  return key !== null && email !== null && emailKey(email) === key;
}

async function keysOf(tx: Tx, storeId: string, orderIds: readonly string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const id of orderIds) keys.push(`order:${id}`, ...(await jobKeysOf(tx, storeId, id)));
  return keys;
}
