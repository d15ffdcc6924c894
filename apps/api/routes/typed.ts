/** The routes again, chained, for their types alone: index.ts mounts them from a list, in which types get lost. */
import { Elysia } from "elysia";
import type { ApiDeps } from "../deps.ts";
import { categoryRoutes } from "./admin/categories.ts";
import { collectionRoutes } from "./admin/collections.ts";
import { flashRoutes } from "./admin/flash.ts";
import { inventoryRoutes } from "./admin/inventory.ts";
import { adminOrderRoutes } from "./admin/orders.ts";
import { adminProductRoutes } from "./admin/products.ts";
import { cartRoutes } from "./store/carts.ts";
import { checkoutRoutes } from "./store/checkout.ts";
import { customerRoutes } from "./store/customers.ts";
import { orderRoutes } from "./store/orders.ts";
import { productRoutes } from "./store/products.ts";
import { searchRoutes } from "./store/search.ts";
import { sessionRoutes } from "./store/sessions.ts";

export function storefrontRoutes(deps: ApiDeps) {
  return new Elysia()
    .use(productRoutes(deps))
    .use(searchRoutes(deps))
    .use(cartRoutes(deps))
    .use(checkoutRoutes(deps))
    .use(orderRoutes(deps))
    .use(customerRoutes(deps))
    .use(sessionRoutes(deps));
}

export function backOfficeRoutes(deps: ApiDeps) {
  return new Elysia()
    .use(adminProductRoutes(deps))
    .use(categoryRoutes(deps))
    .use(collectionRoutes(deps))
    .use(inventoryRoutes(deps))
    .use(adminOrderRoutes(deps))
    .use(flashRoutes(deps));
}
