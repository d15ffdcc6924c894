/** All views: their addresses, and their places in the menu. */
import type { ComponentType } from "preact";
import type { IconName } from "../parts/icon.tsx";
import type { Session } from "../state/session.ts";
import { AlertsView } from "./ops/alerts.tsx";
import { DeadView } from "./ops/dead.tsx";
import { JobView } from "./ops/job.tsx";
import { JobsView } from "./ops/jobs.tsx";
import { LetterView } from "./ops/letter.tsx";
import { MailView } from "./ops/mail.tsx";
import { MailboxView } from "./ops/mailbox.tsx";
import { OverviewView } from "./ops/overview.tsx";
import { PoolsView } from "./ops/pools.tsx";
import { ScheduleView } from "./ops/schedule.tsx";
import { SchedulesView } from "./ops/schedules.tsx";
import { SearchIndexesView } from "./ops/search-indexes.tsx";
import { StoresView } from "./ops/stores.tsx";
import { TimelineView } from "./ops/timeline.tsx";
import { AssetView } from "./store/asset.tsx";
import { FiguresView } from "./store/figures.tsx";
import { ImportView } from "./store/import.tsx";
import { ImportsView } from "./store/imports.tsx";
import { MediaView } from "./store/media.tsx";
import { OrderView } from "./store/order.tsx";
import { OrdersView } from "./store/orders.tsx";
import { PresetsView } from "./store/presets.tsx";
import { ProductView } from "./store/product.tsx";
import { ProductsView } from "./store/products.tsx";
import { SearchView } from "./store/search.tsx";

export type Area = "ops" | "store";

export type View = {
  /** `:name` stands for one segment, which the view gets as a prop. */
  path: string;
  area: Area;
  // biome-ignore lint/suspicious/noExplicitAny: each view names the parameters of its own path
  show: ComponentType<any>;
  menu?: { title: string; icon: IconName /** Pressed after g. */; key: string };
};

export const views: readonly View[] = [
  {
    path: "/overview",
    area: "ops",
    show: OverviewView,
    menu: { title: "Overview", icon: "overview", key: "o" },
  },
  { path: "/pools", area: "ops", show: PoolsView, menu: { title: "Pools & kinds", icon: "pools", key: "p" } },
  { path: "/jobs", area: "ops", show: JobsView, menu: { title: "Jobs", icon: "jobs", key: "j" } },
  { path: "/jobs/:id", area: "ops", show: JobView },
  { path: "/dead", area: "ops", show: DeadView, menu: { title: "Dead letters", icon: "dead", key: "d" } },
  { path: "/dead/:id", area: "ops", show: LetterView },
  { path: "/timeline", area: "ops", show: TimelineView },
  {
    path: "/schedules",
    area: "ops",
    show: SchedulesView,
    menu: { title: "Schedules", icon: "clock", key: "s" },
  },
  { path: "/schedules/:name", area: "ops", show: ScheduleView },
  { path: "/stores", area: "ops", show: StoresView, menu: { title: "Stores", icon: "products", key: "e" } },
  {
    path: "/search-indexes",
    area: "ops",
    show: SearchIndexesView,
    menu: { title: "Search indexes", icon: "search", key: "x" },
  },
  { path: "/alerts", area: "ops", show: AlertsView, menu: { title: "Alerts", icon: "bell", key: "a" } },
  { path: "/mailbox", area: "ops", show: MailboxView, menu: { title: "Mailbox", icon: "mail", key: "b" } },
  { path: "/mailbox/:id", area: "ops", show: MailView },
  { path: "/orders", area: "store", show: OrdersView, menu: { title: "Orders", icon: "orders", key: "r" } },
  { path: "/orders/:id", area: "store", show: OrderView },
  {
    path: "/figures",
    area: "store",
    show: FiguresView,
    menu: { title: "Figures", icon: "overview", key: "f" },
  },
  { path: "/media", area: "store", show: MediaView, menu: { title: "Media", icon: "media", key: "m" } },
  { path: "/media/sizes", area: "store", show: PresetsView },
  { path: "/media/:id", area: "store", show: AssetView },
  {
    path: "/products",
    area: "store",
    show: ProductsView,
    menu: { title: "Products", icon: "products", key: "c" },
  },
  { path: "/products/:id", area: "store", show: ProductView },
  { path: "/search", area: "store", show: SearchView, menu: { title: "Search", icon: "search", key: "h" } },
  {
    path: "/imports",
    area: "store",
    show: ImportsView,
    menu: { title: "Imports", icon: "imports", key: "i" },
  },
  { path: "/imports/:id", area: "store", show: ImportView },
];

export type Found = { view: View; params: Record<string, string> };

export function find(path: string): Found | null {
  for (const view of views) {
    const params = match(view.path, path);
    if (params) return { view, params };
  }
  return null;
}

export function match(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(given[i]!);
    else if (part !== given[i]) return null;
  }
  return params;
}

export const firstView = (who: Session) => (who.ops ? "/overview" : "/orders");

export const menuOf = (area: Area, who: Session) =>
  who[area] ? views.filter(view => view.area === area && view.menu) : [];
