/**
 * A mail as it goes over the wire: headers and a body of two equal parts, text and HTML (RFC 5322, 2045–2047). Pure.
 *
 * No value can begin a header of its own: line breaks and other control characters become spaces, what is not ASCII is
 * encoded. Bodies are base64: no line too long, no dot at a line's beginning, nothing that 7-bit servers would change.
 */
import { domainToASCII } from "node:url";
import type { Mail } from "./model.ts";

const LINE = "\r\n";
/** Of an encoded word at most 75 characters are allowed; 45 bytes make 60 of base64. */
const WORD_BYTES = 45;

/** "Shop <a@b.c>" → "a@b.c". */
export function addressOf(from: string): string {
  return /<([^<>]*)>\s*$/.exec(from)?.[1]?.trim() ?? from.trim();
}

/** @throws RangeError for an address that can't stand in a header or an SMTP command. */
export function asMessage(mail: Mail & { from: string; date: Date }): string {
  // Of the mail itself, and in no text of it: base64 has no "=_" in it.
  const boundary = `=_${new Bun.CryptoHasher("md5").update(mail.messageId).digest("hex")}`;
  return [
    `From: ${sender(mail.from)}`,
    `To: ${checked(mail.to)}`,
    `Subject: ${encoded(mail.subject)}`,
    `Message-ID: ${mail.messageId}`,
    `Date: ${mail.date.toUTCString().replace("GMT", "+0000")}`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    "",
    part(boundary, "text/plain", mail.text),
    part(boundary, "text/html", mail.html),
    `--${boundary}--`,
    "",
  ].join(LINE);
}

function part(boundary: string, type: string, content: string): string {
  const body = Buffer.from(content.replaceAll(/\r?\n/g, LINE)).toString("base64");
  return [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    "Content-Transfer-Encoding: base64",
    "",
    body.replace(/.{76}(?=.)/g, `$&${LINE}`),
  ].join(LINE);
}

function sender(from: string): string {
  const address = addressOf(from);
  const name = from
    .slice(0, from.lastIndexOf("<"))
    .trim()
    .replace(/^"(.*)"$/, "$1");
  if (!name) return checked(address);
  const isPlain = /^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name);
  return `${isPlain ? name : encodedWords(name)} <${checked(address)}>`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f]+/g;

function checked(address: string): string {
  if (/[\s<>,;"]/.test(address) || address.search(CONTROLS) >= 0)
    throw new RangeError("not one mail address");
  const at = address.lastIndexOf("@");
  return at < 0
    ? address
    : address.slice(0, at + 1) + (domainToASCII(address.slice(at + 1)) || address.slice(at + 1));
}

function encoded(text: string): string {
  const line = text.replaceAll(CONTROLS, " ");
  // "=?" would be read as the beginning of an encoded word.
  const isPlain = /^[ -~]*$/.test(line) && line.length <= 900 && !line.includes("=?");
  return isPlain ? line : encodedWords(line);
}

/** Words of whole characters each, one a line. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word].map(one => `=?utf-8?B?${Buffer.from(one).toString("base64")}?=`).join(`${LINE} `);
}
