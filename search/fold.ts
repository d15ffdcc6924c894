/** Text as the fallback compares it: without accents and case. Documents and queries go through the same function. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Letters of scripts that are written without space between words. */
const DENSE =
  /[[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]&&\p{L}]/gv;

/** Each of these letters as a word of its own, so that a word among them is found as a phrase. */
export function spaced(text: string): string {
  return text.replace(DENSE, " $& ");
}
