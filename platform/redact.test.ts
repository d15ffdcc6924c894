import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { redact, withoutWords } from "./redact.ts";

describe("redact", () => {
  test.each([
    [
      "550 5.1.1 <ada@example.org>: Recipient address rejected",
      "550 5.1.1 <<mail>>: Recipient address rejected",
    ],
    ["mailto:ada.lovelace+shop@mail.example.co.uk refused", "mailto:<mail> refused"],
    ["GET /reset?to=ada%40example.org 404", "GET /reset?to=<mail> 404"],
    ["müller@bücher.example and x@localhost", "<mail> and <mail>"],
    ["Key (email)=(ada@example.org) already exists", "Key (email)=(<mail>) already exists"],
    ["call +44 20 7946 0958 or 030 1234567 or (555) 123-4567", "call <phone> or <phone> or <phone>"],
    ["card 4242 4242 4242 4242 declined, 4242424242424242 too", "card <card> declined, <card> too"],
    ["from DE89 3704 0044 0532 0130 00", "from <account>"],
    [
      "postgres://shop:hunter2@db.example:5432/shop is away",
      "postgres://<secret>@db.example:5432/shop is away",
    ],
    ["key sk_0123456789abcdef0123456789abcdef is revoked", "key <secret> is revoked"],
  ])("%s", (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  test.each([
    "at run (/app/node_modules/.bun/postgres@3.4.9/node_modules/postgres/src/index.js:12:34)",
    "elysia@1.4.12: no such file node_modules/@elysiajs/eden/dist/index.mjs:1:2345",
    "job 0191b5a0-0000-7000-8000-000000000000 of 2026-11-21T11:40:00.123Z and 2026-11-21 11:40:00",
    "connect ECONNREFUSED 127.0.0.1:5432 after 1795186341227 ms, 12345678 bytes, 1234567.89 s",
    "order ord_06gzjwdgye91zkssfzkz327pxg is gone",
  ])("leaves alone what is needed to find the fault: %s", text => {
    expect(redact(text)).toBe(text);
  });

  test("leaves no mail address whatever stands around it, and twice is as once", () => {
    const word = fc.stringMatching(/^[a-z0-9.+_-]{1,20}$/);
    const around = fc.string({ unit: "grapheme", maxLength: 40 });
    fc.assert(
      fc.property(around, word, word, around, (before, local, domain, after) => {
        const address = `${local}@${domain}.example`;
        const shown = redact(`${before} ${address} ${after}`);
        expect(shown).not.toContain(address);
        expect(redact(shown)).toBe(shown);
      }),
    );
  });
});

test("words of a person are taken out in any case, the longest first, and none when there are none", () => {
  const words = ["Ada", "Ada Lovelace", "1 Quay (rear)"];
  expect(withoutWords("ADA LOVELACE, 1 quay (rear); ada", words)).toBe("<erased>, <erased>; <erased>");
  expect(withoutWords("a b", [])).toBe("a b");
  expect(withoutWords("a b", [" ", "b"])).toBe("a b");
});
