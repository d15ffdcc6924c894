/**
 * Takes out of free text (errors, stacks, notes) what may name a person or open a door: mail addresses, phone numbers,
 * card and account numbers, credentials in URLs and our own keys. What is left still tells what went wrong.
 *
 * Names and postal addresses have no shape to go by; who must be forgotten is forgotten by their words (`withoutWords`).
 * Numbers that people need for finding a fault stay: times, ports, UUIDs, versions of packages in stacks.
 */
const CREDENTIALS = /:\/\/[^\s/@]{1,512}@/g;
const TOKEN = /\b(?:sk|op|sess|con|pwr|whsec|rk)_[0-9A-Za-z_]{16,256}/g;
const MAIL =
  /(?<local>[^\s@<>()[\],;:\\"'=`{}|]{1,64})(?<at>@|%40)(?<domain>[^\s@<>()[\],;:\\"'=`{}|/]{1,255})(?<next>\/?)/giu;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g;
const DIGITS = /(?<![\w.:/-])\+?\(?\d[\d ()./-]{5,22}\d(?![\w:-])/g;
/** No domain ends in a number; the version of a package does. */
const VERSION = /^\d+(?:\.\d+)+$/;

export function redact(text: string): string {
  return text
    .replace(CREDENTIALS, "://<secret>@")
    .replace(TOKEN, "<secret>")
    .replace(MAIL, (found, _local, at: string, domain: string, next: string) =>
      // A path of packages has "@scope/"; what is escaped in a URL is none.
      (at === "@" && next === "/") || VERSION.test(domain) ? found : `<mail>${next}`,
    )
    .replace(IBAN, "<account>")
    .replace(DIGITS, shownNumber);
}

function shownNumber(found: string): string {
  const digits = found.replaceAll(/\D/g, "");
  if (digits.length >= 13 && digits.length <= 19 && isLuhn(digits)) return "<card>";
  if (digits.length < 7 || digits.length > 15) return found;
  const isTime = /^\d{4}-\d\d-\d\d/.test(found);
  const isAddress = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(found);
  const isPlain = /^[1-9]\d*(?:\.\d+)?$/.test(found);
  return isTime || isAddress || isPlain ? found : "<phone>";
}

/** The check digit of card numbers (ISO/IEC 7812-1, annex B). */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (const [i, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (i % 2 === 0 ? 1 : 2);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** `text` without any of `words` (what is known of one person), whatever their case. */
export function withoutWords(text: string, words: readonly string[]): string {
  const known = words.filter(word => word.trim().length >= 2);
  if (known.length === 0) return text;
  const longestFirst = known.toSorted((a, b) => b.length - a.length);
  const any = new RegExp(longestFirst.map(word => RegExp.escape(word)).join("|"), "giu");
  return text.replace(any, "<erased>");
}
