/** What every implementation of {@link Storage} must do; each implementation's test file runs this suite. */
import { expect, test } from "bun:test";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidKeyError } from "./key.ts";
import { type Storage, StorageLimitError } from "./storage.ts";

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function* dying(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("half");
  throw new Error("connection lost");
}

const ALL = { maxBytes: 1_000_000 };
const HELLO_SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async function put(storage: Storage, key: string, text: string): Promise<void> {
  const staged = await storage.stage(bytes(text), ALL);
  await staged.keep(key);
}

/** @param setup makes a fresh, empty store, and says how much lies in it that has no key. */
export function storageContract(
  setup: () => Promise<{ storage: Storage; leftovers: () => Promise<number> }>,
): void {
  test("shows staged bytes under their key only after keep, with size and hash", async () => {
    const { storage, leftovers } = await setup();
    const staged = await storage.stage(bytes("he", "", "llo"), ALL);
    expect([staged.bytes, staged.sha256]).toEqual([5, HELLO_SHA256]);
    expect(await staged.blob.text()).toBe("hello");
    expect(await storage.open("a/hello.txt")).toBeNull();
    await staged.keep("a/hello.txt");
    const file = await storage.open("a/hello.txt");
    expect(file?.bytes).toBe(5);
    expect(await file?.blob.text()).toBe("hello");
    expect(await file?.blob.slice(1, 3).text()).toBe("el");
    await staged.discard();
    expect(await storage.open("a/hello.txt")).not.toBeNull();
    expect(await leftovers()).toBe(0);
  });

  test("leaves nothing of a stream that dies, is too long, or is discarded", async () => {
    const { storage, leftovers } = await setup();
    expect(storage.stage(dying(), ALL)).rejects.toThrow("connection lost");
    const tooLong = storage.stage(bytes("12345", "6"), { maxBytes: 5 });
    expect(await tooLong.catch(error => error)).toBeInstanceOf(StorageLimitError);
    await (await storage.stage(bytes("12345"), { maxBytes: 5 })).discard();
    expect(await leftovers()).toBe(0);
    expect(await Array.fromAsync(storage.list())).toEqual([]);
  });

  test("replaces a file whole when two writers keep the same key at once", async () => {
    const { storage } = await setup();
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(texts.map(text => put(storage, "same", text)));
    expect(texts).toContain((await (await storage.open("same"))?.blob.text())!);
  });

  test("moves local files in, lends files as local paths and scratch folders", async () => {
    const { storage, leftovers } = await setup();
    const seen = await storage.withScratch(async dir => {
      const path = join(dir, "out");
      await writeFile(path, "made");
      await storage.moveIn(path, "deep/er/out.bin");
      return readdir(dir);
    });
    expect(seen).toEqual([]);
    const read = (path: string) => Bun.file(path).text();
    expect(await storage.withLocalFile("deep/er/out.bin", read)).toBe("made");
    expect(await storage.withLocalFile("deep/er/none", read)).toBeNull();
    const failing = storage.withScratch(async dir => {
      await writeFile(join(dir, "x"), "x");
      throw new Error("broken");
    });
    expect(failing).rejects.toThrow("broken");
    await failing.catch(() => {});
    expect(await leftovers()).toBe(0);
  });

  test("lists by whole segments and removes", async () => {
    const { storage } = await setup();
    for (const key of ["one/a", "one/b/c", "oneness/d", "top"]) await put(storage, key, key);
    const keys = async (prefix?: string) =>
      (await Array.fromAsync(storage.list(prefix))).map(entry => entry.key).sort();
    expect(await keys()).toEqual(["one/a", "one/b/c", "oneness/d", "top"]);
    expect(await keys("one")).toEqual(["one/a", "one/b/c"]);
    expect(await keys("none")).toEqual([]);
    expect(await storage.remove("one/a")).toBe(true);
    expect(await storage.remove("one/a")).toBe(false);
    expect(await storage.open("one/a")).toBeNull();
    expect(await storage.open("one")).toBeNull();
  });

  test("keeps and removes files of one folder at once, and loses none", async () => {
    const { storage } = await setup();
    const rounds = Array.from({ length: 40 }, async (_, i) => {
      await put(storage, `folder/${i}`, String(i));
      return i % 2 === 0 ? storage.remove(`folder/${i}`) : true;
    });
    expect(await Promise.all(rounds)).toEqual(rounds.map(() => true));
    expect((await Array.fromAsync(storage.list("folder"))).length).toBe(20);
  });

  test("refuses every key that could lead elsewhere", async () => {
    const { storage } = await setup();
    const wicked = [
      "",
      "/",
      "/etc/passwd",
      "..",
      "a/../b",
      "a//b",
      "a/",
      ".staging/x",
      "a\0b",
      "a b",
      "a\\b",
    ];
    for (const key of [...wicked, "%2e%2e/x", "ä", "x".repeat(513)]) {
      expect(await storage.open(key).catch(error => error)).toBeInstanceOf(InvalidKeyError);
      expect(await storage.remove(key).catch(error => error)).toBeInstanceOf(InvalidKeyError);
      const staged = await storage.stage(bytes("x"), ALL);
      expect(await staged.keep(key).catch(error => error)).toBeInstanceOf(InvalidKeyError);
      await staged.discard();
    }
  });

  test("sweeps what never got a key by age, and nothing else", async () => {
    const { storage, leftovers } = await setup();
    await put(storage, "kept", "kept");
    await storage.stage(bytes("an upload whose process was killed"), ALL);
    expect(await storage.sweep(60_000)).toBe(0);
    expect(await storage.sweep(-1)).toBe(1);
    expect(await leftovers()).toBe(0);
    expect(await storage.open("kept")).not.toBeNull();
  });
}
