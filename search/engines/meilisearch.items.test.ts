import { expect, test } from "bun:test";
import { KeptItems, type Stored } from "./meilisearch.items.ts";

/** An engine that holds these documents, and what it was asked for. */
function engineOf(...documents: Stored[]) {
  const held = new Map(documents.map(one => [one.id, one]));
  const asked: string[][] = [];
  const read = async (_uid: string, ids: readonly string[]) => {
    asked.push([...ids]);
    return ids.flatMap(id => held.get(id) ?? []);
  };
  return { held, asked, read };
}

const document = (id: string, v: number, title = `${id} ${v}`): Stored => ({ id, v, item: { title } });

test("an item is read once for each version of its product", async () => {
  const engine = engineOf(document("a", 1), document("b", 1));
  const items = new KeptItems(engine.read);
  const show = async (...hits: [string, number][]) => {
    const shown = await items.texts(
      "shop",
      hits.map(([id, v]) => ({ id, v })),
    );
    return shown.map(one => JSON.parse(one.text).title);
  };
  expect(await show(["a", 1], ["b", 1])).toEqual(["a 1", "b 1"]);
  expect(await show(["b", 1], ["a", 1])).toEqual(["b 1", "a 1"]);
  engine.held.set("a", document("a", 2));
  expect(await show(["b", 1], ["a", 2])).toEqual(["b 1", "a 2"]);
  expect(engine.asked).toEqual([["a", "b"], ["a"]]);
});

test("a product that changes or goes between the finding and the reading is shown as it is then", async () => {
  const engine = engineOf(document("a", 3));
  const items = new KeptItems(engine.read);
  const found = [
    { id: "gone", v: 1 },
    { id: "a", v: 2, description: "text" },
  ];
  const shown = await items.texts("shop", found);
  expect(shown).toEqual([{ hit: found[1]!, text: '{"title":"a 3"}' }]);
  expect(await items.texts("shop", [{ id: "a", v: 3 }])).toMatchObject([{ text: '{"title":"a 3"}' }]);
  expect(engine.asked).toEqual([["gone", "a"]]);
});

test("indexes are kept apart, and hits without a version are read each time", async () => {
  const engine = engineOf(document("a", 1));
  const items = new KeptItems(engine.read);
  await items.texts("one", [{ id: "a", v: 1 }]);
  await items.texts("two", [{ id: "a", v: 1 }]);
  await items.texts("two", [{ id: "a" }]);
  expect(engine.asked).toHaveLength(3);
});

test("what was read longest ago makes room", async () => {
  const engine = engineOf(document("a", 1), document("b", 1), document("c", 1));
  const items = new KeptItems(engine.read, '{"title":"a 1"}'.length * 2);
  for (const id of ["a", "b", "c", "b", "a"]) await items.texts("shop", [{ id, v: 1 }]);
  expect(engine.asked).toEqual([["a"], ["b"], ["c"], ["a"]]);
});
