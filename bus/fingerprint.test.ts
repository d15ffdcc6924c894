import { expect, test } from "bun:test";
import fc from "fast-check";
import { fingerprint, shapeOf } from "./fingerprint.ts";

test.each([
  ["Error: order ord_06gzjwdgye91zkssfzkz327pxg is gone", "Error: order <n> is gone"],
  ["no end within 30000 ms", "no end within <n> ms"],
  [
    "ENOENT: no such file or directory, open '/var/data/a b.jpg'",
    "ENOENT: no such file or directory, open <text>",
  ],
  ["can't read /var/data/a.jpg: it doesn't exist", "can't read <path>: it doesn't exist"],
  ["POST http://127.0.0.1:7700/indexes/x?y=1 answered 503", "POST <url> answered <n>"],
  ["connect ECONNREFUSED 127.0.0.1:25", "connect ECONNREFUSED <n>"],
  ["sha 9f86d081884c7d65 differs, at 2026-11-21T11:40:00.123Z", "sha <n> differs, at <time>"],
  ["and/or 3/5 a", "and/or <n>/<n> a"],
  ["first line\nat x.ts:1:2", "first line"],
])("%j has the shape %j", (error, shape) => {
  expect(shapeOf(error)).toBe(shape);
});

test("kinds and messages are told apart", () => {
  const prints = [fingerprint("a.b", "broke"), fingerprint("a.c", "broke"), fingerprint("a.b", "failed")];
  expect(new Set(prints).size).toBe(3);
});

test("a group stays one whatever ids, numbers, paths, times and names stand in its errors", () => {
  const hole = fc.oneof(
    fc.uuid(),
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map(n => n.toFixed(3)),
    fc.ipV4(),
  );
  const path = fc.array(fc.stringMatching(/^[\w.-]{1,12}$/), { minLength: 1, maxLength: 6 });
  const facts = fc.record({
    id: fc.stringMatching(/^[0-9a-z]{26}$/),
    number: fc.integer({ min: 0 }),
    path,
    url: fc.webUrl({ withQueryParameters: true }),
    quoted: fc.stringMatching(/^[^"\n]{0,30}$/),
    time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") }),
    hash: fc.stringMatching(/^[0-9a-f]{30}[0-9]{2}$/),
    hole,
  });
  type Facts = typeof facts extends fc.Arbitrary<infer F> ? F : never;
  const error = (f: Facts) =>
    `Refused: prod_${f.id} (${f.number} of 7) at /${f.path.join("/")} from ${f.url.replace(/[,;)\]']/g, "")} as "${f.quoted}" ` +
    `on ${f.time.toISOString()} with ${f.hash}`;
  fc.assert(
    fc.property(facts, facts, (one, other) => {
      expect(fingerprint("x.y", error(one))).toBe(fingerprint("x.y", error(other)));
    }),
  );
});
