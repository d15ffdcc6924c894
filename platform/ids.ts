/**
 * Prefixed, sortable ids: `prod_` + Crockford base32 of 48 bits of milliseconds and random bits (the layout of ULID).
 * Ids made later sort later (to the millisecond) under a byte-wise collation.
 */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Bytes of randomness: 10 for ordinary ids; 14 (112 bits) where the id itself grants access, as for guest carts. */
const ORDINARY_BYTES = 10;
const SECRET_BYTES = 14;

function base32(bytes: Uint8Array): string {
  let out = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? out + alphabet[(buffer << (5 - bits)) & 31] : out;
}

function sortable(prefix: string, randomBytes: number, nowMs: number): string {
  const bytes = stamped(randomBytes, nowMs);
  crypto.getRandomValues(bytes.subarray(6));
  return `${prefix}_${base32(bytes)}`;
}

function stamped(moreBytes: number, nowMs: number): Uint8Array {
  const bytes = new Uint8Array(6 + moreBytes);
  for (let i = 5, rest = nowMs; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

/** The least id of this prefix that can be made at that moment: where a partition of ids begins. */
export function idBoundary(prefix: string, ms: number): string {
  return `${prefix}_${base32(stamped(ORDINARY_BYTES, ms))}`;
}

/** An id such as `prod_01jd…`: 26 characters after the prefix, 80 random bits. */
export function newId(prefix: string, nowMs = Date.now()): string {
  return sortable(prefix, ORDINARY_BYTES, nowMs);
}

/** An id that is itself a secret (guest carts and orders): 32 characters after the prefix, 112 random bits. */
export function newSecretId(prefix: string, nowMs = Date.now()): string {
  return sortable(prefix, SECRET_BYTES, nowMs);
}

/** An unguessable token of 160 random bits without a time, for keys and sessions. */
export function newToken(prefix: string): string {
  return `${prefix}_${base32(crypto.getRandomValues(new Uint8Array(20)))}`;
}

/** True when `value` has the shape of an id with this prefix; says nothing about existence. */
export function isId(prefix: string, value: string): boolean {
  return (
    value.length <= 64 &&
    value.startsWith(`${prefix}_`) &&
    /^[0-9a-z]{8,48}$/.test(value.slice(prefix.length + 1))
  );
}

/** The moment at which an id was made, in milliseconds since 1970; 0 for what isn't an id of ours. */
export function timeOfId(id: string): number {
  const stamp = id.slice(id.indexOf("_") + 1).slice(0, 10);
  let ms = 0;
  for (const char of stamp) {
    const value = alphabet.indexOf(char);
    if (value < 0 || stamp.length < 10) return 0;
    ms = ms * 32 + value;
  }
  // Ten characters carry 50 bits, two more than the time has.
  return Math.floor(ms / 4);
}

/** A UUID in its lower-case text form, as job ids are. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
