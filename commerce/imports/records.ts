/** A CSV file as a stream of records: decoded, checked and split while it is read, a few chunks in memory. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { BrokenFileError, MAX_ROW_CHARACTERS } from "./model.ts";

/** `row` is 1 for the header. Blank rows are given too, as one empty cell: rows count as in a spreadsheet. */
export type CsvRecord = { row: number; cells: string[] };

/** @throws BrokenFileError where the file stops being readable as CSV in UTF-8. */
export async function* readRecords(file: Blob): AsyncGenerator<CsvRecord, void> {
  const parser = parse({
    bom: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  // The iteration below throws what the source threw; the pipeline's own promise would throw it a second time.
  const piped = pipeline(Readable.from(checkedText(file)), parser).catch(() => {});
  let row = 0;
  try {
    for await (const cells of parser) yield { row: ++row, cells: cells as string[] };
  } catch (error) {
    throw readable(error, row + 1);
  } finally {
    parser.destroy();
    await piped;
  }
}

async function* checkedText(file: Blob): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let first = true;
  for await (const chunk of file.stream() as unknown as AsyncIterable<Uint8Array>) {
    if (first && isUtf16(chunk)) throw new BrokenFileError("The file is in UTF-16; save it as CSV in UTF-8.");
    if (chunk.includes(0)) throw new BrokenFileError("The file holds NUL bytes: it is no text file.");
    first = false;
    yield decode(decoder, chunk);
  }
  yield decode(decoder);
}

function isUtf16(chunk: Uint8Array): boolean {
  return (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff);
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    throw new BrokenFileError("The file is not valid UTF-8; save it as CSV in UTF-8.");
  }
}

function readable(error: unknown, row: number): unknown {
  if (!(error instanceof CsvError)) return error;
  if (error.code === "CSV_QUOTE_NOT_CLOSED") {
    return new BrokenFileError(`The file ends inside a quoted cell, which begins in row ${row}.`);
  }
  if (error.code === "CSV_MAX_RECORD_SIZE") {
    const size = MAX_ROW_CHARACTERS.toLocaleString("en");
    return new BrokenFileError(
      `Row ${row} is longer than ${size} characters; a closing quote may be missing.`,
    );
  }
  return new BrokenFileError(`Row ${row} can't be read as CSV.`);
}
