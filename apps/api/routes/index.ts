/** All routes of a node, by area. One line a file; each owner adds theirs. */
import type { AnyElysia } from "elysia";
import type { ApiDeps } from "../deps.ts";
import { preflightRoutes } from "../http/cors.ts";
import { auditRoutes } from "./admin/audit.ts";
import { categoryRoutes } from "./admin/categories.ts";
import { collectionRoutes } from "./admin/collections.ts";
import { currencyRoutes } from "./admin/currencies.ts";
import { dashboardRoutes } from "./admin/dashboard.ts";
import { erasureRoutes } from "./admin/erasures.ts";
import { flashRoutes } from "./admin/flash.ts";
import { importRoutes } from "./admin/imports.ts";
import { inventoryRoutes } from "./admin/inventory.ts";
import { locationRoutes } from "./admin/locations.ts";
import { directRoutes } from "./admin/media.direct.ts";
import { mediaPresetRoutes } from "./admin/media.presets.ts";
import { resumableRoutes } from "./admin/media.resumable.ts";
import { mediaRoutes } from "./admin/media.ts";
import { notificationRoutes } from "./admin/notifications.ts";
import { adminOrderRoutes } from "./admin/orders.ts";
import { priceListRoutes } from "./admin/price-lists.ts";
import { adminProductRoutes } from "./admin/products.ts";
import { searchAnalyticsRoutes } from "./admin/search.analytics.ts";
import { searchSettingsRoutes } from "./admin/search.settings.ts";
import { shippingMethodRoutes } from "./admin/shipping-methods.ts";
import { taxRoutes } from "./admin/taxes.ts";
import { transferRoutes } from "./admin/transfers.ts";
import { consoleEventRoutes } from "./console/events.ts";
import { consoleMailRoutes } from "./console/mail.ts";
import { consolePageRoutes } from "./console/page.ts";
import { consoleSessionRoutes } from "./console/session.ts";
import { documentationRoutes } from "./documentation.ts";
import { mediaFileRoutes } from "./media/files.ts";
import { alertRoutes } from "./ops/alerts.ts";
import { canaryRoutes } from "./ops/canaries.ts";
import { deadRoutes } from "./ops/dead.ts";
import { jobControlRoutes } from "./ops/jobs.control.ts";
import { jobRoutes } from "./ops/jobs.ts";
import { keyRoutes } from "./ops/keys.ts";
import { mailboxRoutes } from "./ops/mailbox.ts";
import { poolRoutes } from "./ops/pools.ts";
import { reindexRoutes } from "./ops/reindex.ts";
import { saleRoutes } from "./ops/sale.ts";
import { scheduleRoutes } from "./ops/schedules.ts";
import { statusRoutes } from "./ops/status.ts";
import { storeRoutes } from "./ops/stores.ts";
import { summaryRoutes } from "./ops/summaries.ts";
import { timelineRoutes } from "./ops/timeline.ts";
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
import { systemRoutes } from "./system.ts";
import { webhookRoutes } from "./webhooks.ts";

/** `app` gives the finished application to the routes that describe it. */
export function areas(deps: ApiDeps, app: () => AnyElysia): AnyElysia[] {
  return [
    systemRoutes(deps),
    documentationRoutes(app),
    preflightRoutes(),
    consolePageRoutes(deps),
    consoleSessionRoutes(deps),
    consoleEventRoutes(deps),
    consoleMailRoutes(deps),
    poolRoutes(deps),
    saleRoutes(deps),
    jobRoutes(deps),
    jobControlRoutes(deps),
    scheduleRoutes(deps),
    deadRoutes(deps),
    timelineRoutes(deps),
    alertRoutes(deps),
    canaryRoutes(deps),
    mailboxRoutes(deps),
    storeRoutes(deps),
    keyRoutes(deps),
    statusRoutes(deps),
    directRoutes(deps),
    resumableRoutes(deps),
    mediaPresetRoutes(deps),
    mediaRoutes(deps),
    mediaFileRoutes(deps),
    productRoutes(deps),
    groupRoutes(deps),
    searchRoutes(deps),
    searchAnalyticsRoutes(deps),
    dashboardRoutes(deps),
    auditRoutes(deps),
    adminProductRoutes(deps),
    categoryRoutes(deps),
    collectionRoutes(deps),
    summaryRoutes(deps),
    reindexRoutes(deps),
    importRoutes(deps),
    cartRoutes(deps),
    priceRoutes(deps),
    shippingOfferRoutes(deps),
    priceListRoutes(deps),
    taxRoutes(deps),
    shippingMethodRoutes(deps),
    currencyRoutes(deps),
    checkoutRoutes(deps),
    flashRoutes(deps),
    orderRoutes(deps),
    webhookRoutes(deps),
    customerRoutes(deps),
    sessionRoutes(deps),
    passwordResetRoutes(deps),
    adminOrderRoutes(deps),
    erasureRoutes(deps),
    inventoryRoutes(deps),
    locationRoutes(deps),
    transferRoutes(deps),
    notificationRoutes(deps),
    searchSettingsRoutes(deps),
  ];
}
