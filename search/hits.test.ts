import { expect, test } from "bun:test";
import { firstHits, foundTexts, hitsJson } from "./hits.ts";

test("only hits that are asked for are read", () => {
  const found = foundTexts(['{"title":"Kettle"}', "not json"], { total: 2, facets: {} });
  expect(firstHits(found, 1)).toEqual([{ title: "Kettle" }] as never);
  expect(hitsJson(found)).toBe('[{"title":"Kettle"},not json]');
  expect(() => found.items).toThrow(SyntaxError);
});
