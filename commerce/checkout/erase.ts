import type { Sql } from "../../platform/postgres/index.ts";

/** What a repeated checkout is answered with is the order as it is now: its person was erased from it. */
export async function refreshAnswers(tx: Sql, storeId: string, orderIds: readonly string[]): Promise<void> {
  await tx`
    UPDATE checkout.attempt a SET response_body = orders.document(a.store_id, a.order_id)
    WHERE a.store_id = ${storeId} AND a.order_id = ANY(${orderIds as string[]}) AND a.response_status = 201`;
}
