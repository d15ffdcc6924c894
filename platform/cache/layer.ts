/** What a layer of the cache is; redis.ts is the shared one; memory.ts stands before it, in the process. */

export type Entry = {
  /** What is kept. */
  readonly text: string;
  /** What it was made of; one of them changes, and it is never given again. */
  readonly tags: readonly string[];
  /** From its making: for so long it is given without a second thought. */
  readonly freshMs: number;
  /** From its making: for so long it is given while it is being made anew. Never beyond the moment at which it becomes wrong. */
  readonly staleMs: number;
  /** What making it took. */
  readonly costMs: number;
};

export type Found = { readonly entry: Entry; readonly ageMs: number };

/**
 * The state of a layer before a value was read from the database. What is written with it is refused when one of its tags was
 * invalidated since.
 */
export type Fence = object;

/** A {@link Fence} of no reader, for who reads where the database is as old as that. */
export type Mark = object;

export type Look = {
  readonly found: Found | null;
  /** Null: the layer did not answer, and nothing can be written. */
  readonly fence: Fence | null;
  /** Nobody else is making it, in any process; with `found` null. */
  readonly lead: boolean;
};

export type Layer = {
  look(key: string): Promise<Look>;
  /** The state now. Null: not reached. */
  mark(): Promise<Mark | null>;
  /** False: refused, or not reached. With a mark: what was invalidated since that counts too. */
  put(key: string, entry: Entry, fence: Fence, mark?: Mark): Promise<boolean>;
  /** Who led does not write after all: let others make it. */
  release(key: string, fence: Fence): Promise<void>;
  /** Makes everything old that has one of these tags. False: not reached. */
  invalidate(tags: readonly string[]): Promise<boolean>;
};

/** A key or tag as it is stored: what is long is a hash. */
export function shortened(name: string): string {
  if (name.length <= 120) return name;
  return `#${new Bun.CryptoHasher("sha256").update(name).digest("base64url")}`;
}
