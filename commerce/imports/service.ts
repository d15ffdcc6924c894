import { emit } from "../../bus/index.ts";
import { Problem } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { type StagedFile, type Storage, StorageLimitError } from "../../platform/storage/index.ts";
import { diff, isAuthor, type MaybeAuthor, recordAudit } from "../audit/index.ts";
import { BrokenFileError, type Import, type InventoryMode, MAX_FILE_BYTES } from "./model.ts";
import { openFile } from "./run.ts";
import { insertImport, selectImport, selectImports } from "./store.ts";

/** What a client sent; `fileName` is for people and used for nothing else. */
export type Upload = { fileName: string; inventory: InventoryMode; staged: StagedFile };

/**
 * Takes a product file in and checks its header. Discard it unless {@link createImport} takes it over.
 * @throws Problem 413 beyond {@link MAX_FILE_BYTES}, 422 for what isn't a product file. Nothing is left then.
 */
export async function receiveFile(storage: Storage, body: AsyncIterable<Uint8Array>): Promise<StagedFile> {
  const staged = await stage(storage, body);
  try {
    await checkHeader(staged);
  } catch (error) {
    await staged.discard();
    throw error;
  }
  return staged;
}

/** Keeps the file and queues its import; after a failure nothing of it is left. */
export async function createImport(
  deps: { sql: Db; storage: Storage },
  origin: MaybeAuthor,
  { fileName, inventory, staged }: Upload,
): Promise<Pick<Import, "id" | "status">> {
  const { storeId } = origin;
  const id = newId("imp");
  const storageKey = `imports/${storeId}/${id}.csv`;
  const row = { id, storeId, fileName: showable(fileName), storageKey, bytes: staged.bytes, inventory };
  try {
    await staged.keep(storageKey);
    await transaction(deps.sql, async tx => {
      await insertImport(tx, row);
      if (isAuthor(origin)) {
        const changes = diff(null, { fileName: row.fileName, bytes: row.bytes, inventory });
        await recordAudit(tx, { ...origin, action: "create", entity: "import", entityId: id, changes });
      }
      await emit(tx, origin, { type: "import.created", importId: id });
    });
  } catch (error) {
    await staged.discard();
    await deps.storage.remove(storageKey);
    throw error;
  }
  return { id, status: "queued" };
}

function showable(name: string): string {
  const base = name.split(/[/\\]/).at(-1)!;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return base.replace(/[\u0000-\u001f\u007f]/g, "").slice(0, 200) || "products.csv";
}

async function stage(storage: Storage, body: AsyncIterable<Uint8Array>): Promise<StagedFile> {
  try {
    return await storage.stage(body, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    if (!(error instanceof StorageLimitError)) throw error;
    throw new Problem(413, "body_too_large", `A product file may have ${MAX_FILE_BYTES} bytes at most.`, {
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
    const columns = error.errors.map(({ column, message }) => ({ path: `file["${column}"]`, message }));
    const errors = columns.length > 0 ? columns : [{ path: "file", message: error.message }];
    throw new Problem(422, "invalid_file", error.message, { errors });
  }
}

export function getImport(sql: Sql, storeId: string, id: string): Promise<Import | null> {
  return selectImport(sql, storeId, id);
}

/** The newest first. @throws Problem 422 for a made-up cursor. */
export async function listImports(
  sql: Sql,
  storeId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Page<Import>> {
  const before = idCursor("imp", cursor);
  return pageOf(await selectImports(sql, storeId, { before, limit: limit + 1 }), limit);
}
