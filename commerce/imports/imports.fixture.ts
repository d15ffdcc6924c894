/** For tests: product files made of the cells that matter, and a store to import them into. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Db } from "../../platform/postgres/index.ts";
import { DiskStorage } from "../../platform/storage/index.ts";
import { freshDatabase } from "../../platform/testing/index.ts";
import { productDetail, productList, rebuildNow } from "../storefront/index.ts";
import { createStore } from "../stores/index.ts";
import { createImport, getImport, type InventoryMode, receiveFile, runImport } from "./index.ts";

const HEADER =
  "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value," +
  "Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Status";

type Cell = string | number;
/** A row of HEADER from the cells that matter. */
export function row(cells: Record<string, Cell>): string {
  return HEADER.split(",")
    .map(name => String(cells[name] ?? ""))
    .map(cell => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(",");
}

export function lamp(n: number, more: Record<string, Cell> = {}): string {
  const title = { Title: `Lamp ${n}`, "Product Category": "lamps", Type: "Lamps", Status: "active" };
  const variant = { "Variant SKU": `LAMP-${n}`, "Variant Price": "19.90", "Variant Inventory Qty": 5 };
  return row({ Handle: `lamp-${n}`, ...title, ...variant, ...more });
}

export const csv = (...rows: string[]) => `${[HEADER, ...rows].join("\n")}\n`;

/** A database and a folder for the tests of one file; each `setup` is a store of its own in them. */
export async function importBench() {
  const db = await freshDatabase();
  const root = await mkdtemp(join(tmpdir(), "tradewind-imports-"));
  return {
    sql: db.sql,
    setup: (currency?: string) => setup(db.sql, root, currency),
    async close() {
      await db.drop();
      await rm(root, { recursive: true });
    },
  };
}
export type ImportBench = Awaited<ReturnType<typeof importBench>>;

async function setup(sql: Db, root: string, currency = "EUR") {
  const store = await createStore(sql, { name: "Test", currency });
  const storage = new DiskStorage(root);
  const deps = { sql, storage };
  const origin = { storeId: store.id };
  const upload = async (file: string | Uint8Array, inventory: InventoryMode = "new") => {
    const bytes = typeof file === "string" ? Buffer.from(file) : file;
    const staged = await receiveFile(storage, new Blob([bytes]).stream() as never);
    return createImport(deps, origin, { fileName: "products.csv", inventory, staged });
  };
  const run = async (file: string | Uint8Array, inventory: InventoryMode = "new") => {
    const { id } = await upload(file, inventory);
    await runImport(deps, origin, id);
    return (await getImport(sql, store.id, id))!;
  };
  const list = async () => {
    await rebuildNow(sql, store.id);
    return (await productList(sql, store.id, { sort: "title", limit: 100 })).items;
  };
  const product = (handle: string) => productDetail(sql, store.id, handle);
  const jobs = async () => {
    const [found] = await sql`
      SELECT count(*) AS count FROM bus.outbox WHERE store_id = ${store.id} AND kind = 'catalog.summarise'`;
    return found!.count as number;
  };
  return { store, storage, deps, origin, upload, run, list, product, jobs };
}
