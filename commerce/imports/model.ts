export type ImportStatus = "queued" | "running" | "done" | "failed";

/** What happens to the stock of variants that have some: `new` leaves it, `set` makes it what the file says. */
export type InventoryMode = "new" | "set";

/** `row` counts as a spreadsheet does: the header is row 1. */
export type RowError = { row: number; column: string; message: string };

export type Import = {
  id: string;
  status: ImportStatus;
  fileName: string;
  inventory: InventoryMode;
  /** Rows read so far, products and variants they gave; complete when `done`. */
  rows: number;
  products: number;
  variants: number;
  created: number;
  updated: number;
  unchanged: number;
  /** All bad rows; `errors` names the first {@link MAX_ERRORS}. */
  errorCount: number;
  errors: RowError[];
  /** Why the file as a whole was refused; null unless `failed`. */
  reason: string | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
};

export const MAX_ERRORS = 1_000;
/** Rows after which what was read is committed, at the next change of product. */
export const BATCH_ROWS = 500;
/** Rows after which it is committed even within a product, to bound memory. */
export const MAX_BATCH_ROWS = 2_500;
/** Characters of one row; a missing closing quote would otherwise swallow the rest of the file. */
export const MAX_ROW_CHARACTERS = 1_000_000;
export const MAX_FILE_BYTES = 200 * 1024 * 1024;

/** The file can't be read as a product file (any further). What was committed before stays. */
export class BrokenFileError extends Error {
  override name = "BrokenFileError";
  constructor(
    message: string,
    readonly errors: RowError[] = [],
  ) {
    super(message);
  }
}
