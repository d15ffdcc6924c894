import { afterAll, describe } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageContract } from "./contract.ts";
import { DiskStorage } from "./disk.ts";

describe("disk storage", () => {
  const roots: string[] = [];
  storageContract(async () => {
    const root = await mkdtemp(join(tmpdir(), "tradewind-storage-"));
    roots.push(root);
    const leftovers = () => readdir(join(root, ".staging")).then(names => names.length);
    return { storage: new DiskStorage(root), leftovers };
  });
  afterAll(() => Promise.all(roots.map(root => rm(root, { recursive: true }))));
});
