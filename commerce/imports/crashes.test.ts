/**
 * Every step of an import, and at each of them: the process dies there, the step is not taken, its answer is lost. Then
 * the job comes again, as it does, and nobody can tell the shop from one where nothing went wrong.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Mishap, type MishapKind, StepLost } from "../../platform/testing/index.ts";
import { csv, type ImportBench, importBench, lamp } from "./imports.fixture.ts";
import { type InventoryMode, runImport } from "./index.ts";

const BATCH_ROWS = 2;
/** No import of this size has so many: one that never ends is a defect. */
const MOST_STEPS = 100;

let bench: ImportBench;
beforeAll(async () => {
  bench = await importBench();
});
afterAll(() => bench.close());

/** Two batches, with a bad row in the second. */
const first = csv(lamp(1), lamp(2), lamp(3), lamp(4, { "Variant Price": "ten" }));
const second = csv(
  lamp(1, { "Variant Inventory Qty": 7 }),
  lamp(2, { "Variant Price": "21" }),
  lamp(5),
  lamp(6, { Title: "" }),
);

type Setup = Awaited<ReturnType<ImportBench["setup"]>>;

/** What a shop's people can see of it; ids differ from shop to shop. */
async function seen({ store, storage }: Setup) {
  const [row] = await bench.sql`
    SELECT (SELECT json_agg(json_build_array(status, rows, products, variants, created, updated, unchanged, error_count, errors, checkpoint) ORDER BY id)
            FROM imports.import WHERE store_id = ${store.id}) AS imports,
           (SELECT json_agg(json_build_array(p.handle, p.title, v.sku) ORDER BY p.handle) FROM catalog.product p
            JOIN catalog.variant v ON v.product_id = p.id WHERE p.store_id = ${store.id}) AS products,
           (SELECT json_agg(json_build_array(v.sku, e.amount_minor) ORDER BY v.sku, e.amount_minor) FROM pricing.price e
            JOIN catalog.variant v ON v.id = e.variant_id WHERE e.store_id = ${store.id}) AS prices,
           (SELECT json_agg(json_build_array(v.sku, l.on_hand, (SELECT json_agg(a.delta ORDER BY a.id) FROM inventory.adjustment a
                                                               WHERE a.variant_id = l.variant_id)) ORDER BY v.sku)
            FROM inventory.level l JOIN catalog.variant v ON v.id = l.variant_id WHERE l.store_id = ${store.id}) AS stock,
           (SELECT json_object_agg(kind, count) FROM (SELECT kind, count(*) FROM bus.outbox
            WHERE store_id = ${store.id} GROUP BY kind) k) AS jobs`;
  return { ...row!, files: await Array.fromAsync(storage.list(`imports/${store.id}`)) };
}

type Trial = { mode: InventoryMode; kind: MishapKind; at: number };

async function imported({ mode, kind, at }: Trial) {
  const shop = await bench.setup();
  if (mode === "set") await shop.run(first);
  const { id } = await shop.upload(mode === "set" ? second : first, mode);
  const mishap = new Mishap(kind, at);
  const { sql, storage } = shop.deps;
  const befallen = { sql: mishap.database(sql), storage: mishap.outsider(storage), batchRows: BATCH_ROWS };
  await runImport(befallen, shop.origin, id).catch(error => {
    if (!(error instanceof StepLost)) throw error;
  });
  await runImport({ sql, storage, batchRows: BATCH_ROWS }, shop.origin, id);
  return { now: await seen(shop), happened: mishap.happened };
}

describe("whatever befalls a process in the middle of an import", () => {
  for (const mode of ["new", "set"] as const) {
    test(`of ${mode === "new" ? "new products" : "stock that is there"}: each row is done once`, async () => {
      const model = await imported({ mode, kind: "dies", at: Number.POSITIVE_INFINITY });
      for (const kind of ["dies", "unanswered"] as const) {
        for (let at = 1; ; at++) {
          expect(at).toBeLessThan(MOST_STEPS);
          const { now, happened } = await imported({ mode, kind, at });
          expect({ mode, kind, at, now }).toEqual({ mode, kind, at, now: model.now });
          if (!happened) break;
        }
      }
    }, 120_000);
  }
});
