/**
 * What was taken into a queue is, at rest, the buyer's one order or was refused with a reason; nothing else may be said of
 * it. The order may have another id than the queue gave: NATS went away when the checkout was half queued, the node went
 * the direct way, and the buyer's next try with the same key was queued. Both ids then lead to the one order.
 */
import type { Item } from "../journal.ts";
import { once } from "../load/client.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

export async function judgeFlash(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const { api, keys } = stack.now();
  const headers = { "x-publishable-key": keys!.publishable! };
  const findings: Finding[] = [];
  for (const item of items.filter(({ answer }) => answer?.status === 202)) {
    const path = `/store/orders/${item.answer!.body.id}`;
    const { status, body } = await once(api, { method: "GET", path, headers });
    const isEnded =
      status === 200 && ["placed", "completed", "cancelled", "refused"].includes(String(body.status));
    if (!isEnded)
      findings.push({ kind: "lost", what: `${item.name}: ${path} says ${status} ${body.status}`, item });
  }
  return findings;
}
