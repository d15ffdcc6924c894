/** Text as the fallback compares it: without accents and case. Documents and queries go through the same function. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
