import { emit, type Origin } from "../../bus/index.ts";
import { Problem } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { type StagedFile, type Storage, StorageLimitError } from "../../platform/storage/index.ts";
import { BrokenFileError, type Import, type InventoryMode, MAX_FILE_BYTES } from "./model.ts";
import { openFile } from "./run.ts";
import { insertImport, selectImport, selectImports } from "./store.ts";

export type Upload = {
  fileName: string;
  inventory: InventoryMode;
  body: AsyncIterable<Uint8Array>;
};

/**
 * Takes a product file in and queues its import. The file is streamed to storage, its header checked there; a file that
 * is refused leaves nothing behind.
 * @throws Problem 413 beyond {@link MAX_FILE_BYTES}, 422 for what isn't a product file.
 */
export async function createImport(
  deps: { sql: Db; storage: Storage },
  origin: Origin,
  upload: Upload,
): Promise<Pick<Import, "id" | "status">> {
  const staged = await stage(deps.storage, upload.body);
  const id = newId("imp");
  const storageKey = `imports/${origin.storeId}/${id}.csv`;
  try {
    await checkHeader(staged);
    await staged.keep(storageKey);
    await transaction(deps.sql, async tx => {
      const fileName = upload.fileName.slice(0, 255).replaceAll("\0", "");
      const { inventory } = upload;
      await insertImport(tx, {
        id,
        storeId: origin.storeId,
        fileName,
        storageKey,
        bytes: staged.bytes,
        inventory,
      });
      await emit(tx, origin, { type: "import.created", importId: id });
    });
  } catch (error) {
    await staged.discard();
    await deps.storage.remove(storageKey);
    throw error;
  }
  return { id, status: "queued" };
}

async function stage(storage: Storage, body: AsyncIterable<Uint8Array>): Promise<StagedFile> {
  try {
    return await storage.stage(body, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    if (!(error instanceof StorageLimitError)) throw error;
    throw new Problem(413, "too_large", `A product file may have ${MAX_FILE_BYTES} bytes at most.`, {
      extensions: { maxBytes: MAX_FILE_BYTES },
    });
  }
}

async function checkHeader(staged: StagedFile): Promise<void> {
  try {
    const { records } = await openFile(staged.blob);
    await records.return();
  } catch (error) {
    if (!(error instanceof BrokenFileError)) throw error;
    const errors = error.errors.map(({ column, message }) => ({ path: `file["${column}"]`, message }));
    throw new Problem(422, "invalid_file", error.message, { errors });
  }
}

export function getImport(sql: Sql, storeId: string, id: string): Promise<Import | null> {
  return selectImport(sql, storeId, id);
}

/** The newest first, `limit` at most; `cursor` is the `nextCursor` of the page before. */
export async function listImports(
  sql: Sql,
  storeId: string,
  page: { limit: number; cursor?: string | undefined },
): Promise<{ items: Import[]; nextCursor: string | null }> {
  const found = await selectImports(sql, storeId, { before: page.cursor, limit: page.limit + 1 });
  const items = found.slice(0, page.limit);
  return { items, nextCursor: found.length > page.limit ? items.at(-1)!.id : null };
}
