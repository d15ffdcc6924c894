import { expect, test } from "bun:test";
import { checksum, searchDocument, textPart, volatilePart } from "./document.ts";
import { product } from "./testing.ts";

const lamp = { title: "Storm Lamp", category: "lamps", above: ["home", "lights"], unitsSold: 3 };

test("a document has the tree of its categories, its prices by currency and a rank of what was sold", () => {
  const document = searchDocument(product("prod_1", lamp));
  expect(document).toMatchObject({
    category: ["home", "lights", "lamps"],
    categoryLevels: {
      lvl0: ["All home"],
      lvl1: ["All home > All lights"],
      lvl2: ["All home > All lights > All lamps"],
    },
    prices: { EUR: { min: 1_000, max: 1_000 } },
    price: 1_000,
    priceMax: 1_000,
    available: 5,
    popularity: 8,
  });
});

test("two branches share what they have in common", () => {
  const one = product("prod_1", lamp);
  const [home, lights] = one.branches[0]!;
  const document = searchDocument({ ...one, branches: [...one.branches, [home!, lights!]] });
  expect(document.category).toEqual(["home", "lights", "lamps"]);
  expect(document.categoryLevels.lvl1).toEqual(["All home > All lights"]);
});

test("the part that changes often and the rest are the whole", () => {
  const document = searchDocument(product("prod_1", lamp));
  expect({ ...textPart(document), ...volatilePart(document) }).toEqual(document);
});

test("a checksum goes by content, not by the order of fields", () => {
  expect(checksum({ a: 1, b: { c: [1, 2], d: null } })).toBe(checksum({ b: { d: null, c: [1, 2] }, a: 1 }));
  expect(checksum({ a: [1, 2] })).not.toBe(checksum({ a: [2, 1] }));
});
