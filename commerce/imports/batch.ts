/** Rows gathered into products: what one transaction of an import writes. */
import type { ProductInput, Refusal, VariantInput } from "../catalog/index.ts";
import { type Column, type Header, nameOf } from "./header.ts";
import { BATCH_ROWS, BrokenFileError, MAX_BATCH_ROWS, type RowError } from "./model.ts";
import type { CsvRecord } from "./records.ts";
import { type ImageRow, type ProductFields, type Row, readRow, type VariantRow } from "./row.ts";

export type Batch = {
  /** Records before this batch, and with it: it may be committed only on a checkpoint of `from`. */
  from: number;
  to: number;
  /** Rows that are not blank. */
  rows: number;
  inputs: ProductInput[];
  /** By row. */
  variants: Map<number, VariantRow>;
  errors: RowError[];
};

/** The rows of one handle within a batch. */
type Group = {
  handle: string;
  row: number;
  product: ProductFields | null;
  badProductRow: number | null;
  variants: { row: number; variant: VariantRow }[];
  images: ImageRow[];
};

type BatchOptions = {
  checkpoint: number;
  currency: string;
  /** Default {@link BATCH_ROWS}. */
  rows?: number | undefined;
};

/**
 * Batches of the records behind `checkpoint`, cut where one product ends. Depends on the file and the checkpoint alone,
 * so that every try cuts it the same way.
 */
export async function* batches(
  records: AsyncIterable<CsvRecord>,
  header: Header,
  options: BatchOptions,
): AsyncGenerator<Batch, void> {
  let open = new OpenBatch(options.checkpoint, options.rows);
  let at = 0;
  let broken: BrokenFileError | null = null;
  try {
    for await (const { cells, row } of records) {
      if (++at <= options.checkpoint) continue;
      const read = readRow(row, cells, header, options.currency);
      if (open.isFull(read)) {
        yield open.close();
        open = new OpenBatch(at - 1, options.rows);
      }
      open.add(at, read);
    }
  } catch (error) {
    if (!(error instanceof BrokenFileError)) throw error;
    broken = error;
  }
  if (open.to > open.from) yield open.close();
  if (broken) throw broken;
}

class OpenBatch {
  to: number;
  private rows = 0;
  private last = "";
  private readonly groups = new Map<string, Group>();
  private readonly errors: RowError[] = [];

  constructor(
    readonly from: number,
    private readonly enough = BATCH_ROWS,
  ) {
    this.to = from;
  }

  isFull(next: Row | null): boolean {
    const size = this.to - this.from;
    return size >= MAX_BATCH_ROWS || (size >= this.enough && next?.handle !== this.last);
  }

  add(at: number, row: Row | null): void {
    this.to = at;
    if (!row) return;
    this.rows++;
    this.errors.push(...row.errors);
    this.last = row.handle;
    if (row.handle !== "") this.addToGroup(row);
  }

  private addToGroup(row: Row): void {
    const known = this.groups.get(row.handle);
    const group: Group = known ?? {
      handle: row.handle,
      row: row.row,
      product: null,
      badProductRow: null,
      variants: [],
      images: [],
    };
    if (!known) this.groups.set(row.handle, group);
    group.product ??= row.product;
    if (row.badProduct) group.badProductRow ??= row.row;
    if (row.variant) group.variants.push({ row: row.row, variant: row.variant });
    if (row.image) group.images.push(row.image);
  }

  close(): Batch {
    const inputs: ProductInput[] = [];
    for (const group of this.groups.values()) {
      if (group.badProductRow !== null && !group.product) this.errors.push(...orphans(group));
      // A row of which nothing is left was named already.
      else if (group.product || group.variants.length > 0 || group.images.length > 0) {
        inputs.push(inputOf(group, this.errors));
      }
    }
    const { from, to, rows, errors } = this;
    const variants = new Map(
      [...this.groups.values()].flatMap(group => group.variants.map(one => [one.row, one.variant])),
    );
    return { from, to, rows, inputs, variants, errors };
  }
}

/** Rows that can't be used because the first row of their product is bad. */
function orphans(group: Group): RowError[] {
  const message = `belongs to the product of row ${group.badProductRow}, which was left out`;
  return group.variants
    .filter(({ row }) => row !== group.badProductRow)
    .map(({ row }) => ({ row, column: nameOf("handle"), message }));
}

function inputOf(group: Group, errors: RowError[]): ProductInput {
  const variants: VariantInput[] = [];
  for (const { row, variant } of group.variants) {
    const optionValues = optionValuesOf(variant, group.product?.optionNames?.length);
    if (optionValues.includes("")) {
      const column = nameOf(`option${(optionValues.indexOf("") + 1) as 1 | 2 | 3}Value`);
      errors.push({ row, column, message: "is missing" });
    } else variants.push({ ref: row, optionValues, ...variant.fields });
  }
  const images = group.images.sort((a, b) => a.position - b.position).map(({ src, alt }) => ({ src, alt }));
  return { ref: group.row, handle: group.handle, ...group.product, variants, images };
}

/** As many as the product has options; where the file doesn't say, as many as the row has values. */
function optionValuesOf({ values }: VariantRow, count: number | undefined): string[] {
  if (count !== undefined) return values.slice(0, count);
  if (values[0] === "Default Title" && values[1] === "") return [];
  return values.slice(0, values.findLastIndex(value => value !== "") + 1);
}

const columnOf: Readonly<Record<Refusal["field"], Column>> = {
  title: "title",
  sku: "sku",
  options: "option1Value",
  variants: "sku",
  images: "imageSrc",
};

export function errorOf({ ref, field, message }: Refusal): RowError {
  return { row: ref, column: nameOf(columnOf[field]), message };
}
