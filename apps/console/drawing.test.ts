/** What charts and editors compute, without a browser. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { linePath, niceCeiling } from "./client/parts/chart-scale.ts";
import { payloadFaults } from "./client/views/ops/payload-faults.ts";

describe("a chart", () => {
  test("has a round top that its greatest value fits under, and wastes at most the upper 60 %", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), value => {
        const top = niceCeiling(value);
        expect(top).toBeGreaterThanOrEqual(value * (1 - 1e-9));
        expect(value / top).toBeGreaterThanOrEqual(0.4 - 1e-9);
        expect([1, 2, 5, 10]).toContain(Math.round(top / 10 ** Math.floor(Math.log10(top * (1 + 1e-12)))));
      }),
    );
    expect(niceCeiling(0)).toBe(1);
  });

  test("draws inside its box, and interrupts the line where nothing was measured", () => {
    const value = fc.option(fc.double({ min: -10, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), values => {
        const path = linePath(values, { top: 100, width: 600, height: 150 });
        const points = [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(match => [
          Number(match[1]),
          Number(match[2]),
        ]);
        expect(points).toHaveLength(values.filter(one => one !== null).length);
        for (const [x, y] of points) {
          expect(x! >= 0 && x! <= 600 && y! >= 0 && y! <= 150).toBe(true);
        }
        const gaps = values.filter((one, i) => one !== null && (i === 0 || values[i - 1] === null)).length;
        expect(path.split("M").length - 1).toBe(gaps);
      }),
    );
  });
});

describe("a payload that somebody edits", () => {
  const schema = {
    properties: { productId: { type: "string" }, count: { type: "integer" } },
    required: ["productId"],
  };
  test.each([
    ["{", /no JSON/],
    ["[]", /is an object/],
    ["null", /is an object/],
    ["{}", /productId is missing/],
    ['{"productId": 1}', /productId must be of type string/],
    ['{"productId": "a", "count": 1.5}', /count must be a whole number/],
    ['{"productId": "a", "more": 1}', /more is no field/],
  ])("%s is told what is wrong", (text, fault) => {
    expect(payloadFaults(text, schema).faults.join()).toMatch(fault);
  });

  test("is left to the API where nothing is known of its kind", () => {
    expect(payloadFaults('{"a": 1}', null)).toEqual({ payload: { a: 1 }, faults: [] });
    expect(payloadFaults('{"productId": "a"}', schema).faults).toEqual([]);
  });
});
