import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MAX_PRICE_MINOR, parseMinor } from "./model.ts";

describe("a price in a file", () => {
  test("becomes minor units of its currency exactly", () => {
    expect(parseMinor("9.99", "EUR")).toBe(999);
    expect(parseMinor("0.29", "USD")).toBe(29);
    expect(parseMinor("1", "USD")).toBe(100);
    expect(parseMinor("1.5", "USD")).toBe(150);
    expect(parseMinor("1200", "JPY")).toBe(1200);
    expect(parseMinor("1.234", "KWD")).toBe(1234);
    expect(parseMinor("9.9900", "EUR")).toBe(999);
  });

  test("is refused when it isn't a plain decimal that the currency can express", () => {
    for (const bad of ["", "-1", "1,50", "€5", "1e3", "NaN", "9.999", ".5", "5.", " 5", "999999999999999"]) {
      expect(parseMinor(bad, "EUR")).toBeNull();
    }
    expect(parseMinor("1.5", "JPY")).toBeNull();
  });

  test("survives the way to a decimal and back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_PRICE_MINOR }), minor => {
        const digits = String(minor).padStart(3, "0");
        const decimal = `${digits.slice(0, -2)}.${digits.slice(-2)}`;
        expect(parseMinor(decimal, "EUR")).toBe(minor);
      }),
    );
  });
});
