import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../platform/ids.ts";
import type { SearchItem } from "./document.ts";
import { highlightsOf } from "./highlight.ts";
import { corrected } from "./spelling.ts";
import { distance, meets } from "./words.ts";

const item = (title: string, vendor = "") => ({ id: newId("prod"), title, vendor }) as SearchItem;

describe("highlights", () => {
  test("mark words of the query with their forms, typing errors and accents, and escape all else", () => {
    const of = (q: string, title: string) => highlightsOf(q, item(title), "").title;
    expect(of("mascarra", "Essence Mascara")).toBe("Essence <mark>Mascara</mark>");
    expect(of("creme brul", "Crème Brûlée Torch")).toBe("<mark>Crème</mark> <mark>Brûlée</mark> Torch");
    expect(of("shirts", "Linen Shirt")).toBe("Linen <mark>Shirt</mark>");
    expect(of("256", "Phone 128 GB")).toBe("Phone 128 GB");
    expect(of("tom", `Tom & "Jerry" <b>`)).toBe("<mark>Tom</mark> &amp; &quot;Jerry&quot; &lt;b&gt;");
    expect(of("", "Belt")).toBe("Belt");
  });

  test("show the passage around the first word of a description, and none where no word is", () => {
    const text = `${"Long before that. ".repeat(20)}A brass buckle closes it. ${"And after. ".repeat(40)}`;
    const { description } = highlightsOf("buckle", item("Belt"), text);
    expect(description).toMatch(/^… .*A brass <mark>buckle<\/mark> closes it\..* …$/);
    expect(description!.length).toBeLessThan(220);
    expect(highlightsOf("zebra", item("Belt"), text).description).toBeNull();
  });

  test("never let markup of a text or a query through", () => {
    const parts = fc.constantFrom("<", ">", "&", '"', "a", "belt", " ", "é", "😀", "script", "mark", "/");
    const text = fc.array(parts, { maxLength: 40 }).map(all => all.join(""));
    fc.assert(
      fc.property(text, text, (title, q) => {
        const html = highlightsOf(q, item(title, title), title);
        for (const one of [html.title, html.vendor, html.description ?? ""]) {
          expect(one.replace(/<\/?mark>/g, "")).not.toMatch(/[<>"]/);
        }
        const plain = html.title.replace(/<\/?mark>/g, "").replace(/&(lt|gt|quot|amp|#39);/g, name => {
          return { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&", "&#39;": "'" }[name]!;
        });
        expect(plain).toBe(title);
      }),
    );
  });
});

describe("words", () => {
  test("are as far from one another as the letters that were mistyped", () => {
    expect(distance("mascarra", "mascara", 2)).toBe(1);
    expect(distance("lipstikc", "lipstick", 2)).toBe(1);
    expect(distance("belt", "boot", 1)).toBe(2);
    expect(meets("belts", "belt")).toBe(true);
    expect(meets("bolt", "belt")).toBe(false);
    expect(meets("ipone13", "iphone13")).toBe(false);
  });

  test("are as far in one direction as in the other, and no further than the longer is long", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const there = distance(a, b, 10);
        expect(there).toBe(distance(b, a, 10));
        expect(there === 0).toBe(a === b);
        expect(there).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance(a, b, 1)).toBe(Math.min(there, 2));
      }),
    );
  });

  test("are corrected by the nearest that is known, the more frequent of two, and left alone otherwise", () => {
    const known = [
      { word: "mascara", products: 3 },
      { word: "massage", products: 9 },
      { word: "belt", products: 1 },
      { word: "bell", products: 7 },
    ];
    expect(corrected("maskarra", known)).toBe("mascara");
    expect(corrected("red belc", known)).toBe("red bell");
    expect(corrected("masc bel", known)).toBeNull();
    expect(corrected("xyzzy", known)).toBeNull();
    expect(corrected("12346", [{ word: "12345", products: 1 }])).toBeNull();
  });
});
