import { expect, test } from "bun:test";
import { Problem } from "../../../platform/errors.ts";
import { expectedVersion, versionTag } from "./if-match.ts";

const read = (value?: string) =>
  expectedVersion(new Headers(value === undefined ? {} : { "if-match": value }));

test("names the version of a tag, in whatever form its answer was sent", () => {
  expect(read(versionTag(7))).toBe(7);
  expect(read('"7-gzip"')).toBe(7);
  const shown = versionTag(7, { available: 3 });
  expect(shown).not.toBe(versionTag(7, { available: 2 }));
  expect(read(shown)).toBe(7);
  expect(read(shown.replace(/"$/, '-zstd"'))).toBe(7);
  expect(read("*")).toBe("any");
});

test("what is no tag of ours is a version that never was", () => {
  for (const value of ['W/"7"', "7", '"x"', '"7", "8"', '"-1"', '"99999999999999999999"'])
    expect(read(value)).toBe(-1);
});

test("wants the header", () => {
  expect(() => read()).toThrow(Problem);
  expect(() => read("  ")).toThrow(Problem);
});
