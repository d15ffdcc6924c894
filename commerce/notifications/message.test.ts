import { expect, test } from "bun:test";
import fc from "fast-check";
import PostalMime from "postal-mime";
import { addressOf, asMessage } from "./message.ts";

const mail = {
  from: "Tradewind <shop@tradewind.example>",
  to: "ada@example.org",
  subject: "Hello",
  text: "text",
  html: "<b>html</b>",
  messageId: "<1@tradewind.example>",
  date: new Date("2026-03-01T10:20:30Z"),
};

test("a reader finds what was written: names, subject, date, text and HTML", async () => {
  const from = '"Müller & Söhne, Läden" <shop@tradewind.example>';
  const subject = "Bestätigung №2 😀 ".repeat(12).trim();
  const read = await PostalMime.parse(
    asMessage({ ...mail, from, subject, text: ".\nGrüße\n.", html: "<i>😀</i>" }),
  );
  expect(read.from).toEqual({ name: "Müller & Söhne, Läden", address: "shop@tradewind.example" });
  expect(read.to).toEqual([{ name: "", address: "ada@example.org" }]);
  expect(read).toMatchObject({ subject, messageId: mail.messageId, date: "2026-03-01T10:20:30.000Z" });
  expect(read.text?.replaceAll("\r", "").trim()).toBe(".\nGrüße\n.");
  expect(read.html?.trim()).toBe("<i>😀</i>");
});

test("no subject, name or text adds a header, breaks a line limit or holds a lone dot", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (subject, text) => {
      const lines = asMessage({ ...mail, subject: `${subject}\r\nBcc: x@y.z`, text }).split("\r\n");
      expect(lines.filter(line => /^bcc:/i.test(line))).toEqual([]);
      expect(lines.slice(0, lines.indexOf("")).filter(line => /^[\w-]+: /.test(line))).toHaveLength(7);
      expect(lines.every(line => line.length <= 998 && line !== "." && !line.includes("\n"))).toBe(true);
    }),
  );
});

test("what is not one address is refused", () => {
  for (const to of ["a@b.c, d@e.f", "a@b.c>\r\nRCPT TO:<d@e.f", "a b@c.d", "<a@b.c>"]) {
    expect(() => asMessage({ ...mail, to })).toThrow(RangeError);
  }
  expect(addressOf("shop@tradewind.example")).toBe("shop@tradewind.example");
  expect(asMessage({ ...mail, to: "ada@bücher.example" })).toContain("To: ada@xn--bcher-kva.example");
});
