import { timingSafeEqual } from "node:crypto";

/** Compares without telling by its time how much was right. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** 160 random bits as hex: for passwords and tokens that travel in URLs. */
export function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString("hex");
}
