/** What customers see of themselves. Who asks is known by the session, which is looked up with each request. */

import { tagOf } from "../../../bus/index.ts";
import { getCustomer } from "../../../commerce/customers/index.ts";
import type { Ask } from "../../../platform/cache/index.ts";
import type { ApiDeps } from "../deps.ts";
import { lifetimes } from "./lifetimes.ts";

export function askProfile(deps: ApiDeps, storeId: string, customerId: string): Ask {
  return {
    key: `profile:${storeId}:${customerId}`,
    family: lifetimes.profile,
    async load(replica) {
      const customer = await getCustomer(replica ?? deps.sql, storeId, customerId);
      return { text: JSON.stringify(customer), tags: [tagOf.customer(customerId)] };
    },
  };
}
