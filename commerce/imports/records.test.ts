/** The reader of product files against files that nobody would write. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BrokenFileError, MAX_ROW_CHARACTERS } from "./model.ts";
import { readRecords } from "./records.ts";

const FILE =
  'Handle,Title,Variant SKU,Variant Price\r\nlamp,"Lamp, ""red""",L-1,19.90\nlamp,,L-2,"1,5"\r\n"mug\n2",Müg 灯,M-1,3\n';

/** What a reader gives: the rows, and the fault where it stopped. Anything else that is thrown fails the test. */
async function read(bytes: Uint8Array, pieces?: number): Promise<{ rows: number; broken: string | null }> {
  const blob = pieces === undefined ? new Blob([bytes.slice()]) : inPieces(bytes, pieces);
  let rows = 0;
  try {
    for await (const { cells } of readRecords(blob)) {
      rows++;
      for (const cell of cells) if (typeof cell !== "string") throw new TypeError("a cell is no text");
    }
    return { rows, broken: null };
  } catch (error) {
    if (!(error instanceof BrokenFileError)) throw error;
    return { rows, broken: error.message };
  }
}

/** A file that comes in pieces of so many bytes, wherever that cuts a character. */
function inPieces(bytes: Uint8Array, size: number): Blob {
  const stream = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
  return { stream } as unknown as Blob;
}

const mutation = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("insert" as const), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 20 }) }),
  fc.record({ kind: fc.constant("repeat" as const), at: fc.nat(), times: fc.integer({ min: 2, max: 50 }) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutated(bytes: Buffer, change: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : change.at % bytes.length;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (change.kind) {
    case "set":
      return bytes.length === 0
        ? bytes
        : Buffer.concat([before, Buffer.from([change.byte]), after.subarray(1)]);
    case "cut":
      return before;
    case "insert":
      return Buffer.concat([before, change.bytes, after]);
    case "repeat":
      return Buffer.concat([before, ...Array.from({ length: change.times }, () => after.subarray(0, 40))]);
  }
}

test("a file whose bytes were changed anywhere gives rows, or says what is wrong", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { maxLength: 6 }), async changes => {
      const bytes = changes.reduce(mutated, Buffer.from(FILE));
      const { rows } = await read(bytes);
      expect(rows).toBeLessThanOrEqual(bytes.length + 1);
    }),
    { numRuns: 1_500 },
  );
});

test("bytes of any kind give rows, or say what is wrong", async () => {
  const odd = fc.constantFrom(0, 0x22, 0x2c, 0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xff, 0xfe, 0xc3, 0x41);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(odd, { maxLength: 300 }).map(Buffer.from),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async found => {
      await read(found);
    }),
    { numRuns: 1_500 },
  );
});

test("how a file is cut into pieces changes nothing of what is read", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { maxLength: 2 }),
      fc.integer({ min: 1, max: 30 }),
      async (changes, size) => {
        const bytes = changes.reduce(mutated, Buffer.from(FILE));
        const [whole, cut] = [await read(bytes), await read(bytes, size)];
        // The rows before a bad byte are given as far as the piece that holds it allows.
        if (whole.broken === null) expect(cut).toEqual(whole);
        else expect(cut.broken).not.toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});

test("a quote that is never closed is told after a bounded number of characters, whatever the file's size", async () => {
  const before = process.memoryUsage.rss();
  const piece = Buffer.alloc(65_536, "x");
  let given = 0;
  const stream = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(given === 0 ? Buffer.from('Handle,Title\n"') : piece);
        given += piece.length;
        if (given > 200_000_000) controller.close();
      },
    });
  const rows = readRecords({ stream } as unknown as Blob);
  await rows.next();
  await expect(rows.next()).rejects.toThrow("a closing quote may be missing");
  expect(given).toBeLessThan(5 * MAX_ROW_CHARACTERS);
  expect((process.memoryUsage.rss() - before) / 1_048_576).toBeLessThan(200);
});
