/** The routes again, chained, for their types alone: index.ts mounts them from a list, in which types get lost. */
import { Elysia } from "elysia";
import type { ApiDeps } from "../deps.ts";
import { categoryRoutes } from "./admin/categories.ts";
import { collectionRoutes } from "./admin/collections.ts";
import { currencyRoutes } from "./admin/currencies.ts";
import { flashRoutes } from "./admin/flash.ts";
import { inventoryRoutes } from "./admin/inventory.ts";
import { locationRoutes } from "./admin/locations.ts";
import { adminOrderRoutes } from "./admin/orders.ts";
import { priceListRoutes } from "./admin/price-lists.ts";
import { adminProductRoutes } from "./admin/products.ts";
import { searchAnalyticsRoutes } from "./admin/search.analytics.ts";
import { shippingMethodRoutes } from "./admin/shipping-methods.ts";
import { taxRoutes } from "./admin/taxes.ts";
import { transferRoutes } from "./admin/transfers.ts";
import { cartRoutes } from "./store/carts.ts";
import { checkoutRoutes } from "./store/checkout.ts";
import { customerRoutes } from "./store/customers.ts";
import { groupRoutes } from "./store/groups.ts";
import { orderRoutes } from "./store/orders.ts";
import { passwordResetRoutes } from "./store/password-resets.ts";
import { priceRoutes } from "./store/prices.ts";
import { productRoutes } from "./store/products.ts";
import { searchRoutes } from "./store/search.ts";
import { sessionRoutes } from "./store/sessions.ts";
import { shippingOfferRoutes } from "./store/shipping-methods.ts";

export function storefrontRoutes(deps: ApiDeps) {
  return new Elysia()
    .use(productRoutes(deps))
    .use(groupRoutes(deps))
    .use(searchRoutes(deps))
    .use(priceRoutes(deps))
    .use(shippingOfferRoutes(deps))
    .use(cartRoutes(deps))
    .use(checkoutRoutes(deps))
    .use(orderRoutes(deps))
    .use(customerRoutes(deps))
    .use(sessionRoutes(deps))
    .use(passwordResetRoutes(deps));
}

export function backOfficeRoutes(deps: ApiDeps) {
  return new Elysia()
    .use(adminProductRoutes(deps))
    .use(categoryRoutes(deps))
    .use(collectionRoutes(deps))
    .use(priceListRoutes(deps))
    .use(taxRoutes(deps))
    .use(shippingMethodRoutes(deps))
    .use(currencyRoutes(deps))
    .use(inventoryRoutes(deps))
    .use(locationRoutes(deps))
    .use(transferRoutes(deps))
    .use(adminOrderRoutes(deps))
    .use(flashRoutes(deps))
    .use(searchAnalyticsRoutes(deps));
}
