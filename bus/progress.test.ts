import { expect, test } from "bun:test";
import fc from "fast-check";
import { toldBy } from "./progress.ts";

test("what a handler says is bounded, whatever it says", () => {
  const number = fc.oneof(fc.double(), fc.integer());
  fc.assert(
    fc.property(number, fc.option(number, { nil: undefined }), fc.string(), (count, total, note) => {
      for (const value of [toldBy(count), toldBy({ done: count, total, note })]) {
        if (value.fraction !== null) expect(value.fraction >= 0 && value.fraction <= 1).toBe(true);
        for (const told of [value.done, value.total])
          expect(told === null || Number.isFinite(told)).toBe(true);
      }
    }),
  );
  expect(toldBy({ done: 1, total: 4, note: "rows" })).toMatchObject({ fraction: 0.25, done: 1, total: 4 });
  expect(toldBy({ done: 0, total: 0 }).fraction).toBe(1);
});
