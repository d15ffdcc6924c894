/** All modules with tables, in the order of the layers; each owns the schema of its name. */
import { join } from "node:path";
import type { MigrationModule } from "../platform/postgres/index.ts";

const root = join(import.meta.dir, "..");

const dirs = [
  "platform",
  "bus",
  "commerce/stores",
  "commerce/audit",
  "commerce/catalog",
  "commerce/pricing",
  "commerce/taxes",
  "commerce/shipping",
  "commerce/customers",
  "commerce/inventory",
  "commerce/carts",
  "commerce/payments",
  "commerce/orders",
  "commerce/checkout",
  "commerce/notifications",
  "commerce/erasure",
  "commerce/collections",
  "commerce/recommendations",
  "commerce/storefront",
  "commerce/imports",
  "search",
  "media",
];

export const modules: readonly MigrationModule[] = dirs.map(dir => ({
  name: dir.split("/").at(-1)!,
  dir: join(root, dir, "migrations"),
  tenant: "store_id",
}));
