import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contract, catalogAttachMedia, catalogImport, outboxRow } from "../../bus/index.ts";
import { demoCatalog, demoPicture } from "../../commerce/demo/index.ts";
import { createImport, getImport, receiveFile as receiveProducts } from "../../commerce/imports/index.ts";
import { productDetail } from "../../commerce/storefront/index.ts";
import { createStore, type Store } from "../../commerce/stores/index.ts";
import { convertAsset, receiveFile, uploadFiles } from "../../media/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import type { Handler, JobDefinition } from "../handler.ts";
import { catalogAttachMediaJob } from "./catalog.attach_media.ts";
import { catalogImportJob } from "./catalog.import.ts";

let db: FreshDatabase;
let mediaDir: string;
let store: Store;

beforeAll(async () => {
  db = await freshDatabase();
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-jobs-"));
  store = await createStore(db.sql, { name: "Test", currency: "EUR" });
});
afterAll(async () => {
  await db.drop();
  await rm(mediaDir, { recursive: true });
});

const config = () => ({ ...loadConfig({}), mediaDir });

function run(definition: JobDefinition, contract: Contract, payload: unknown) {
  const { sql } = db;
  const deps = { config: config(), sql, log: silentLog, clock: systemClock, metrics: createMetrics("test") };
  const handler = definition.make(deps as never) as Handler;
  const row = outboxRow({ storeId: store.id, contract, payload: payload as never });
  const job = { ...row, storeId: row.store_id } as never;
  return handler.run(job, { signal: new AbortController().signal, log: silentLog, progress() {} } as never);
}

const importOf = async (path: string) => {
  const deps = { sql: db.sql, storage: openStorage(config()) };
  const staged = await receiveProducts(deps.storage, Bun.file(path).stream() as never);
  const upload = { fileName: "demo.csv", inventory: "new" as const, staged };
  return createImport(deps, { storeId: store.id }, upload);
};

async function readyPicture(productId: string): Promise<string> {
  const conversion = { sql: db.sql, storage: openStorage(config()) };
  const body = Bun.file(demoPicture).stream() as never;
  const file = await receiveFile(conversion.storage, body, { maxBytes: 1_000_000 });
  const origin = { storeId: store.id };
  const [asset] = await uploadFiles(db.sql, origin, [file], { productId, alt: "Dusk" });
  await convertAsset(conversion, origin, asset!.id, { attempt: 1 });
  return asset!.id;
}

describe("catalog.import and catalog.attach_media", () => {
  test("bring the demo shop in and show a picture that is ready, however often they run", async () => {
    const { id: importId } = await importOf(demoCatalog);
    for (let time = 0; time < 2; time++) {
      expect(await run(catalogImportJob, catalogImport, { importId })).toEqual({ type: "done" });
    }
    expect(await getImport(db.sql, store.id, importId)).toMatchObject({ status: "done", products: 25 });

    const mug = await productDetail(db.sql, store.id, "harbour-mug");
    const assetId = await readyPicture(mug.id);
    for (let time = 0; time < 2; time++) {
      expect(await run(catalogAttachMediaJob, catalogAttachMedia, { assetId })).toEqual({ type: "done" });
    }
    const [image, ...others] = (await productDetail(db.sql, store.id, "harbour-mug")).images;
    expect(others).toEqual([]);
    expect(image).toMatchObject({ assetId, alt: "Dusk" });
    expect(image!.placeholder).toBeString();
    expect(image!.variants.map(variant => variant.format)).toContain("webp");
  });

  test("of what is not there end without effect", async () => {
    expect((await run(catalogImportJob, catalogImport, { importId: "imp_unknown00" })).type).toBe("discard");
    const gone = { assetId: "asset_unknown00" };
    expect(await run(catalogAttachMediaJob, catalogAttachMedia, gone)).toEqual({ type: "done" });
  });
});
