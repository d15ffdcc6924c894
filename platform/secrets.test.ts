import { expect, test } from "bun:test";
import { sameSecret } from "./secrets.ts";

test("a secret is the same as itself and as nothing else, of whatever length", () => {
  expect(sameSecret("Bearer abc", "Bearer abc")).toBe(true);
  for (const other of [
    "",
    "Bearer ab",
    "Bearer abcd",
    "bearer abc",
    "Bearer abd",
    "Bearer abc ",
    "é".repeat(1_000),
  ])
    expect(sameSecret(other, "Bearer abc")).toBe(false);
});
