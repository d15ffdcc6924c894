/**
 * A CSV file as a stream of records: decoded, checked and split while it is read, one chunk in memory. Records are taken
 * from the parser as it finds them, not through its output stream: that one drops what it has buffered when the file
 * breaks, and good rows before the break must not be lost.
 */
import { CsvError, type Parser, parse } from "csv-parse";
import { BrokenFileError, MAX_ROW_CHARACTERS } from "./model.ts";

/** `row` is 1 for the header. Blank rows are given too, as one empty cell: rows count as in a spreadsheet. */
export type CsvRecord = { row: number; cells: string[] };

/** @throws BrokenFileError where the file stops being readable as CSV in UTF-8, behind the last good record. */
export async function* readRecords(file: Blob): AsyncGenerator<CsvRecord, void> {
  const found: CsvRecord[] = [];
  let row = 0;
  const parser = parse({
    bom: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MAX_ROW_CHARACTERS,
    on_record: (cells: string[]) => {
      found.push({ row: ++row, cells });
      return null;
    },
  });
  parser.on("error", () => {}).resume();
  try {
    for await (const text of checkedText(file)) {
      const error = await feed(parser, text);
      yield* found.splice(0);
      if (error) throw readable(error, row + 1);
    }
    const error = await feed(parser, null);
    yield* found.splice(0);
    if (error) throw readable(error, row + 1);
  } finally {
    parser.destroy();
  }
}

/** Resolves when the text is taken apart, with what is wrong with it; null ends the file. */
function feed(parser: Parser, text: string | null): Promise<unknown> {
  return new Promise(resolve => {
    if (text === null) parser.end((error?: Error | null) => resolve(error));
    else parser.write(text, error => resolve(error));
  });
}

async function* checkedText(file: Blob): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let first = true;
  for await (const chunk of file.stream() as unknown as AsyncIterable<Uint8Array>) {
    if (first && isUtf16(chunk)) throw new BrokenFileError("The file is in UTF-16; save it as CSV in UTF-8.");
    first = false;
    const text = decode(decoder, chunk);
    const binary = chunk.includes(0);
    if (text === null || binary) yield linesBefore(chunk);
    if (binary) throw new BrokenFileError("The file holds NUL bytes: it is no text file.");
    yield text ?? refuseEncoding();
  }
  yield decode(decoder) ?? refuseEncoding();
}

function isUtf16(chunk: Uint8Array): boolean {
  return (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff);
}

/** Null where the bytes are not UTF-8. */
function decode(decoder: TextDecoder, chunk?: Uint8Array): string | null {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    return null;
  }
}

/** The whole lines before the first bad byte. Blank ones behind them push the last out of the parser's lookahead. */
function linesBefore(chunk: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(chunk);
  const good = text.slice(0, text.search(/[\0\uFFFD]/));
  const end = good.lastIndexOf("\n") + 1;
  return end === 0 ? "" : `${good.slice(0, end)}\n\n\n\n`;
}

function refuseEncoding(): never {
  throw new BrokenFileError("The file is not valid UTF-8; save it as CSV in UTF-8.");
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
