export type Store = { id: string; name: string; currency: string; createdAt: Date };

/** publishable: what shops embed (`pk_`); secret: a store's back office (`sk_`); ops: the deployment (`op_`). */
export type KeyKind = "publishable" | "secret" | "ops";
export const keyKinds: readonly KeyKind[] = ["publishable", "secret", "ops"];

export const keyPrefixes: Readonly<Record<KeyKind, string>> = {
  publishable: "pk",
  secret: "sk",
  ops: "op",
};

/** view: looks, changes nothing; operate: both. Publishable keys are always `operate`. */
export type Role = "view" | "operate";
export const roles: readonly Role[] = ["view", "operate"];

/** What a valid key stands for. Only an ops key has no store. */
export type Access = { id: string; kind: KeyKind; storeId: string | null; role: Role };

/** A key as lists show it; `prefix` is the little of it that helps to recognise it. */
export type KeyInfo = Access & {
  name: string;
  prefix: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
};

/** Characters of a key that are kept in the clear: the kind, and enough to tell keys apart. */
const SHOWN = 8;

export function shownPrefix(key: string): string {
  return key.slice(0, SHOWN);
}

/** False for what can't be a key at all, so that rubbish costs no query. */
export function looksLikeKey(key: string): boolean {
  return /^(pk|sk|op)_[0-9a-z]{32}$/.test(key);
}

export function keyHash(key: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(key).digest() as unknown as Buffer;
}
