import { expect, test } from "bun:test";
import { cutHits, firstHits, foundTexts, hitsJson } from "./hits.ts";

const answerOf = (items: object[], more: object = {}) =>
  JSON.stringify({
    hits: items.map(item => ({ item })),
    query: 'a"],"query":"b',
    processingTimeMs: 1,
    limit: 24,
    offset: 0,
    estimatedTotalHits: items.length,
    ...more,
  });

/** Words that look like the marks, as text and where names are a merchant's own. */
const odd = [
  {
    title: '"},{"item":{"title":"x"}}],"query":"',
    variants: [{ id: "v", options: { item: "],", query: "}" } }],
  },
  { title: "Плащ ‮ 😀", tags: ['],"query":', '},{"item":'], price: null },
  {},
];

test("hits are cut out of an answer as they are, whatever stands in them", () => {
  for (const items of [[], [odd[0]!], odd, [...odd, ...odd].toReversed()]) {
    const facets = { facetDistribution: { query: { "],": 1 } } };
    const cut = cutHits(answerOf(items, facets))!;
    expect(cut.texts.map(text => JSON.parse(text))).toEqual(items);
    expect(JSON.parse(cut.rest)).toMatchObject({ hits: [], estimatedTotalHits: items.length, ...facets });
  }
});

test("an answer that is written otherwise is not cut", () => {
  const [item] = odd;
  for (const answer of [
    "",
    "[]",
    '{"hits":[',
    JSON.stringify({ hits: [{ id: "x", item }], query: "" }),
    JSON.stringify({ query: "", hits: [] }),
  ])
    expect(cutHits(answer)).toBeNull();
});

test("only hits that are asked for are read", () => {
  const found = foundTexts(['{"title":"Kettle"}', "not json"], { total: 2, facets: {} });
  expect(firstHits(found, 1)).toEqual([{ title: "Kettle" }] as never);
  expect(hitsJson(found)).toBe('[{"title":"Kettle"},not json]');
  expect(() => found.items).toThrow(SyntaxError);
});
