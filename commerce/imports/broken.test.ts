import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { csv, type ImportBench, importBench, lamp, row } from "./imports.fixture.ts";
import { getImport, runImport } from "./index.ts";

let bench: ImportBench;

beforeAll(async () => {
  bench = await importBench();
});
afterAll(() => bench.close());

describe("an import that meets trouble", () => {
  test("goes on at the last checkpoint after a crash, without repeating or losing a row", async () => {
    const { upload, deps, origin, store, storage } = await bench.setup();
    const { id } = await upload(csv(...Array.from({ length: 1_700 }, (_, n) => lamp(n))));
    const controller = new AbortController();
    const dying = runImport(deps, origin, id, stopAfter(controller, 2));
    expect((await dying.catch(error => error)).message).toBe("killed");
    const halfway = await getImport(bench.sql, store.id, id);
    expect(halfway).toMatchObject({ status: "running", rows: 1_000, products: 1_000 });
    expect(await runImport(deps, origin, id)).toBe("done");
    const whole = await getImport(bench.sql, store.id, id);
    expect(whole).toMatchObject({ status: "done", rows: 1_700, products: 1_700, created: 1_700, errors: [] });
    expect(await runImport(deps, origin, id)).toBe("done");
    expect(await Array.fromAsync(storage.list(`imports/${store.id}`))).toEqual([]);
  });

  test("run twice at once takes turns", async () => {
    const { upload, deps, origin, store, jobs } = await bench.setup();
    const { id } = await upload(csv(...Array.from({ length: 1_700 }, (_, n) => lamp(n))));
    const results = await Promise.all([runImport(deps, origin, id), runImport(deps, origin, id)]);
    expect(results).toEqual(["done", "done"]);
    expect(await getImport(bench.sql, store.id, id)).toMatchObject({
      rows: 1_700,
      products: 1_700,
      created: 1_700,
    });
    expect(await jobs()).toBe(1_700);
  });

  test("keeps what came before the place where a file breaks, and says where", async () => {
    const { run, list } = await bench.setup();
    const result = await run(csv(...Array.from({ length: 600 }, (_, n) => lamp(n)), '"never closed'));
    expect(result).toMatchObject({ status: "failed", rows: 600, products: 600 });
    expect(result.reason).toBe("The file ends inside a quoted cell, which begins in row 602.");
    expect((await list()).length).toBe(100);
    const long = await run(csv(lamp(1), `"${"x".repeat(1_500_000)}"`));
    expect(long.reason).toContain("Row 3 is longer than");
    const latin1 = await run(Buffer.concat([Buffer.from(csv(lamp(1))), Buffer.from([0x66, 0xfc, 0x72])]));
    expect(latin1.reason).toContain("not valid UTF-8");
    expect(latin1.rows).toBe(1);
  });

  test("bounds the list of errors and counts the rest", async () => {
    const { run } = await bench.setup();
    const result = await run(
      csv(...Array.from({ length: 1_200 }, (_, n) => lamp(n, { "Variant Price": "x" }))),
    );
    expect(result.errors.length).toBe(1_000);
    expect(result).toMatchObject({ status: "done", errorCount: 1_200, products: 0, rows: 1_200 });
  });

  test("takes one product of more rows than a batch holds", async () => {
    const { run, product } = await bench.setup();
    const variant = (n: number) =>
      row({ Handle: "big", "Option1 Value": `V${n}`, "Variant SKU": `B-${n}`, "Variant Price": 1 });
    const first = row({
      Handle: "big",
      Title: "Big",
      "Option1 Name": "V",
      "Option1 Value": "V0",
      "Variant Price": 1,
    });
    const result = await run(csv(first, ...Array.from({ length: 2_999 }, (_, n) => variant(n + 1))));
    expect(result).toMatchObject({ status: "done", rows: 3_000, variants: 2_048, errorCount: 952 });
    expect((await product("big")).variants.length).toBe(2_048);
  });
});

describe("an upload", () => {
  test("that is no product file is refused with the reason and leaves nothing", async () => {
    const { upload, storage, store } = await bench.setup();
    const refused = async (file: string | Uint8Array) => {
      const problem = await upload(file).catch(error => error);
      expect([problem.status, problem.code]).toEqual([422, "invalid_file"]);
      return problem.detail as string;
    };
    expect(await refused("")).toContain("empty");
    expect(await refused("name;price\nx;1\n")).toContain('"Handle", "Title", "Variant Price" is missing');
    expect(await refused("Handle,Title,Title,Variant Price\n")).toContain("twice");
    expect(await refused(Buffer.from([0x4d, 0x5a, 0x90, 0, 3, 0, 0, 0]))).toContain("NUL");
    expect(await refused(Buffer.from([0xff, 0xfe, 0x48, 0]))).toContain("UTF-16");
    expect(await refused(Buffer.from([0x89, 0x50, 0xc3, 0x28]))).toContain("UTF-8");
    expect(await refused(`"${"x".repeat(2_000_000)}`)).toContain("longer than");
    expect(await Array.fromAsync(storage.list(`imports/${store.id}`))).toEqual([]);
    const rows = await bench.sql`SELECT FROM imports.import WHERE store_id = ${store.id}`;
    expect(rows.length).toBe(0);
  });
});

/** A signal that is found aborted when it is asked for the n+1st time. */
function stopAfter(controller: AbortController, batches: number): AbortSignal {
  let asked = 0;
  const { signal } = controller;
  signal.throwIfAborted = () => {
    if (asked++ === batches) throw new Error("killed");
  };
  return signal;
}
