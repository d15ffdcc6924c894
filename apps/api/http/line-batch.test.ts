import { expect, test } from "bun:test";
import { until } from "../../../platform/testing/index.ts";
import { createLineBatch } from "./line-batch.ts";

test("hands on whole lines in their order: when there are many, when asked to, and after a moment", async () => {
  const written: string[] = [];
  const batch = createLineBatch(lines => written.push(lines));
  const line = (n: number) => `${n} ${"x".repeat(300)}\n`;
  for (let n = 0; n < 150; n++) batch.add(line(n));
  expect(written.length).toBe(1);
  batch.flush();
  batch.flush();
  expect(written.length).toBe(2);
  batch.add(line(150));
  await until(() => written.length === 3);
  expect(written.join("")).toBe(Array.from({ length: 151 }, (_, n) => line(n)).join(""));
});
