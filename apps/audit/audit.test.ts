import { expect, test } from "bun:test";
import { join } from "node:path";
import { lockedPackages, otherLicences, unknownScripts, unvouched } from "./rules.ts";

const root = join(import.meta.dir, "../..");

test("every package of the lock file is a version of the registry with a SHA-512", async () => {
  const packages = lockedPackages(await Bun.file(join(root, "bun.lock")).text());
  expect(packages.length).toBeGreaterThan(300);
  expect(unvouched(packages)).toEqual([]);
});

test("a package from elsewhere, or without a sum, is found", () => {
  const lock = (entry: string) => lockedPackages(`{ "packages": { "a": ${entry}, }, }`);
  expect(unvouched(lock(`["a@1.2.3", "", {}, "sha512-x=="]`))).toEqual([]);
  expect(unvouched(lock(`["a@1.2.3-beta.1", "", {}, "sha512-x=="]`))).toEqual([]);
  for (const entry of [
    `["a@git+ssh://git@host/a.git#1", {}, "a-1"]`,
    `["a@https://host/a.tgz", {}, "sha512-x=="]`,
    `["a@github:somebody/a#1", {}, "x"]`,
    `["a@1.2.3", "", {}]`,
    `["a@1.2.3", "", {}, "sha1-x"]`,
  ])
    expect(unvouched(lock(entry))).toHaveLength(1);
});

test("a script that nobody knows, and a licence that does not go with ours, are found", () => {
  const listing =
    "./node_modules/@scarf/scarf @1.4.0\n » [postinstall]: x\n\n./node_modules/b/node_modules/evil @1.0.0\n";
  expect(unknownScripts(listing)).toEqual(["b/node_modules/evil wants to run a script at install"]);
  const packages = [{ name: "a" }];
  expect(otherLicences({ MIT: packages, "(AGPL-3.0 OR MIT)": packages, "MIT AND ISC": packages })).toEqual(
    [],
  );
  expect(otherLicences({ "LGPL-3.0-or-later": [{ name: "@img/sharp-libvips-linux-x64" }] })).toEqual([]);
  for (const licence of ["AGPL-3.0", "UNLICENSED", "Unknown", "MIT AND GPL-3.0", "LGPL-3.0-or-later"])
    expect(otherLicences({ [licence]: packages })).toHaveLength(1);
});
