import type { Db } from "../../platform/postgres/index.ts";
import { createShippingMethod } from "../shipping/index.ts";
import { createTaxRate } from "../taxes/index.ts";

/** What sending a parcel costs, and the tax that is in the prices where the shop sells most. For a store just made. */
export async function setDemoTerms(sql: Db, storeId: string): Promise<void> {
  const author = { storeId, actor: "first start" };
  await createTaxRate(sql, author, { country: "DE", name: "Umsatzsteuer", ratePpm: 190_000 });
  await createTaxRate(sql, author, { country: "FR", name: "TVA", ratePpm: 200_000 });
  await createShippingMethod(sql, author, { name: "Standard", amountMinor: 490, freeOverMinor: 7_500 });
  await createShippingMethod(sql, author, { name: "Express", amountMinor: 1_290 });
}
