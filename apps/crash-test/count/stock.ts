/** At rest: stock = initial − sold + what came back, nothing reserved; and never was more sold than there was. */
import type { Shop } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Level = { variantId: string; onHand: number; reserved: number; sold: number; back: number };

export async function judgeStock(stack: Stack, shop: Shop): Promise<Finding[]> {
  const stocked = Object.values(shop).flat();
  const levels = await stack.sql<Level[]>`
    SELECT l.variant_id AS "variantId", sum(l.on_hand)::int AS "onHand", sum(l.reserved)::int AS reserved,
           (SELECT coalesce(sum(i.quantity), 0)::int FROM orders.line i JOIN orders.order o ON o.id = i.order_id
            WHERE i.variant_id = l.variant_id AND o.status IN ('placed', 'completed', 'cancelled')) AS sold,
           (SELECT coalesce(sum(r.restored), 0)::int FROM inventory.reservation_line r WHERE r.variant_id = l.variant_id) AS back
    FROM inventory.level l WHERE l.variant_id = ANY(${stocked.map(({ id }) => id)}) GROUP BY l.variant_id`;
  return levels.flatMap(({ variantId, onHand, reserved, sold, back }) => {
    const { initial, sku } = stocked.find(({ id }) => id === variantId)!;
    const sum = `${sku}: ${initial} at first, ${sold} sold, ${back} back, ${reserved} reserved, ${onHand} on hand`;
    const over = Math.max(0, sold - back - initial);
    return [
      ...(over > 0 ? [{ kind: "oversold" as const, what: sum, units: over }] : []),
      ...(onHand !== initial - sold + back || reserved !== 0 ? [{ kind: "lost" as const, what: sum }] : []),
    ];
  });
}
