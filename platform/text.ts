/**
 * Text from outside. What is kept is well-formed Unicode in composed form (NFC), so that two texts that look alike are
 * alike; control characters and those that turn the direction of what follows are refused by the patterns, which
 * schemas use.
 */

/** One line: no control characters, no line breaks, no bidirectional overrides. */
export const LINE_PATTERN = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]*$";
/** Several lines: the same, but tabs and line breaks are welcome. */
export const TEXT_PATTERN =
  "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]*$";

/** Lone surrogates become U+FFFD (Postgres can't hold them), composed, without space around. */
export function clean(text: string): string {
  return text.toWellFormed().normalize("NFC").trim();
}
