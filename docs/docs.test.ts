import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { withDegrade } from "./degrade.ts";
import { operations, withSettings } from "./settings.ts";

const root = join(import.meta.dir, "..");

async function pages(): Promise<{ path: string; text: string }[]> {
  const found = ["README.md", "CHANGELOG.md"];
  for await (const path of new Bun.Glob("docs/**/*.md").scan({ cwd: root })) found.push(path);
  return Promise.all(found.map(async path => ({ path, text: await Bun.file(join(root, path)).text() })));
}

test("the table of settings is the one of the configuration (write it with: bun docs/settings.ts)", async () => {
  const page = await Bun.file(operations).text();
  expect(page).toBe(withSettings(page));
});

test("the table of what degrades is the one of its data (write it with: bun docs/degrade.ts)", async () => {
  const page = await Bun.file(operations).text();
  expect(page).toBe(withDegrade(page));
});

test("links between pages lead somewhere", async () => {
  for (const { path, text } of await pages()) {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(match => match[1]!);
    const broken = targets.filter(target => !existsSync(join(root, dirname(path), target)));
    expect([path, ...broken]).toEqual([path]);
  }
});

test("files and folders that pages name exist", async () => {
  const named = /`((?:apps|workers|bus|commerce|search|media|platform|docs)\/[\w./-]*)`/g;
  for (const { path, text } of await pages()) {
    const gone = [...text.matchAll(named)]
      .map(match => match[1]!)
      .filter(name => !existsSync(join(root, name)));
    expect([path, ...gone]).toEqual([path]);
  }
});
