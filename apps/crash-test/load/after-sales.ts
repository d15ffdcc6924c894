/**
 * Merchants, some seconds after buyers: an order that was sold is cancelled, or some or all of its money goes back, under a
 * key, once. An order is acted on at most once, so that what must be seen of it at the end is known.
 */
import type { Item } from "../journal.ts";
import { type Call, GaveUp, persist } from "./client.ts";
import { adminHeaders, type LoadContext } from "./context.ts";
import type { Source } from "./pace.ts";

/** What is asked for, and what must come of it. */
const ACTIONS = [
  { kind: "cancel", path: "cancel", body: { reason: "changed their mind" }, unitsBack: true },
  { kind: "refund", path: "refunds", body: { restock: true }, unitsBack: true },
  { kind: "refund", path: "refunds", body: { amountMinor: 300 }, unitsBack: false },
] as const;

export function afterSales(context: LoadContext, perSecond: number): Source {
  const acted = new Set<Item>();
  return {
    name: "cancels and refunds",
    perSecond,
    most: 20,
    async run(index) {
      const sold = context.journal
        .of("order")
        .filter(item => item.answer?.status === 201 && !acted.has(item));
      if (sold.length === 0) return;
      const bought = context.random.pick(sold);
      acted.add(bought);
      await act(context, bought, ACTIONS[index % ACTIONS.length]!);
    },
  };
}

async function act(context: LoadContext, bought: Item, action: (typeof ACTIONS)[number]): Promise<void> {
  const { kind, path, body, unitsBack } = action;
  const { id, totalMinor } = bought.answer!.body;
  const name = `${kind}:${bought.name}`;
  const amountMinor = "amountMinor" in body ? body.amountMinor : Number(totalMinor);
  const wants = { orderId: id, unitsBack, refundMinor: kind === "refund" ? amountMinor : 0 };
  const item = context.journal.open(kind, name, wants);
  const call: Call = {
    method: "POST",
    path: `/admin/orders/${id}/${path}`,
    headers: { ...adminHeaders(context), "idempotency-key": name },
    body,
  };
  try {
    item.answer = await persist(item, context.origin, call);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
  }
}
