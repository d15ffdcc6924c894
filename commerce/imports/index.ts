/**
 * Product files (Shopify's CSV layout) into the catalog. Owns `imports.import`.
 *
 * An upload is stored, its header checked, and a `catalog.import` job queued; the job reads the file as a stream and
 * commits about 500 rows at a time (run.ts tells the protocol). Bad rows are named and left out, good ones kept.
 * Products are matched by handle, variants by option values or SKU; what a file does not name stays as it is, and a
 * column that it does not have changes nothing.
 *
 * Always holds: the checkpoint and the data of a batch commit together; the same file twice changes nothing and causes
 * no jobs; memory is bounded whatever the file; an import ends as `done` or `failed` and never leaves that.
 */

export {
  type Import,
  type ImportStatus,
  type InventoryMode,
  MAX_FILE_BYTES,
  type RowError,
} from "./model.ts";
export { type ImportDeps, type RunResult, runImport } from "./run.ts";
export { createImport, getImport, listImports, receiveFile, type Upload } from "./service.ts";
