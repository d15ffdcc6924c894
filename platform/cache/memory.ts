/**
 * The layer in this process: bounded by entries and bytes, by second chance (what was read since the hand last passed stays).
 *
 * Invalidations have a number that rises. A fence is that number; a tag remembers the number of its last one for as long as
 * anybody may still be reading ({@link REMEMBERED_MS}, what a statement may take), and an older fence is refused altogether.
 */
import type { Entry, Fence } from "./layer.ts";

const REMEMBERED_MS = 35_000;
/** For how long at most what is outdated is still given: making anew what many ask for takes some milliseconds. */
const OUTDATED_MS = 100;
/** Of an entry's bookkeeping, tags included. */
const OVERHEAD_BYTES = 1_024;

export type Slot<V = unknown> = {
  readonly key: string;
  readonly entry: Entry;
  /** `performance.now()` of its making. */
  readonly madeAt: number;
  freshUntil: number;
  staleUntil: number;
  /** What is given out, made of the text when it was put here. */
  readonly value: V;
  /** Invalidated, replaced or evicted. */
  dead: boolean;
  /** Something has changed in it that may show a moment later: see {@link Memory.outdate}. */
  outdated: boolean;
  /** Read since the hand last passed. */
  used: boolean;
  /** Read at all. */
  read: boolean;
};

type MemoryFence = { readonly number: number; readonly at: number };

export type MemoryOptions<V> = {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly pack: (text: string, entry: Entry, key: string) => V;
  readonly now?: () => number;
  /** Told of each entry that an invalidation took; `unread`: nobody had read it. */
  readonly onDrop?: (slot: Slot<V>, unread: boolean) => void;
};

export class Memory<V> {
  readonly #options: MemoryOptions<V>;
  readonly #slots = new Map<string, Slot<V>>();
  readonly #tagged = new Map<string, Set<Slot<V>>>();
  #bytes = 0;
  #number = 0;
  /** Number of the last {@link clear}. */
  #clearedAt = 0;
  /**
   * Tag → number of its last invalidation; two generations, of which the old one is forgotten. The same of keys whose entries
   * it took: they begin with the name of a family and look like no tag.
   */
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnedAt: number;

  constructor(options: MemoryOptions<V>) {
    this.#options = options;
    this.#turnedAt = this.#now();
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))();
  }

  get size() {
    return { entries: this.#slots.size, bytes: this.#bytes };
  }

  /** As it is, however old; undefined once it was invalidated. */
  slot(key: string): Slot<V> | undefined {
    const slot = this.#slots.get(key);
    if (slot) {
      slot.used = true;
      slot.read = true;
    }
    return slot;
  }

  fence(): MemoryFence {
    return { number: this.#number, at: this.#now() };
  }

  /** Whether one of the tags (null: any tag) was invalidated since. */
  isOvertaken(fence: Fence, tags: readonly string[] | null): boolean {
    const { number, at } = fence as MemoryFence;
    if (number === this.#number) return false;
    if (tags === null || number < this.#clearedAt || at < this.#now() - REMEMBERED_MS) return true;
    return tags.some(tag => (this.#young.get(tag) ?? this.#old.get(tag) ?? 0) > number);
  }

  /** Whether an invalidation has taken this entry since. */
  isDroppedSince(fence: Fence, key: string): boolean {
    return this.isOvertaken(fence, [key]);
  }

  /** `ageMs`: how long ago it was made. Undefined: refused. */
  keep(key: string, entry: Entry, fence: Fence, ageMs = 0): Slot<V> | undefined {
    if (this.isOvertaken(fence, entry.tags)) return undefined;
    const slot = this.#slotOf(key, entry, ageMs);
    const before = this.#slots.get(key);
    if (before) this.#remove(before);
    this.#slots.set(key, slot);
    this.#bytes += weightOf(entry);
    for (const tag of entry.tags) {
      const slots = this.#tagged.get(tag);
      if (slots) slots.add(slot);
      else this.#tagged.set(tag, new Set([slot]));
    }
    this.#evict();
    return slot;
  }

  /** Returns how many entries went. */
  drop(tags: readonly string[]): number {
    return this.#invalidate(tags, slot => this.#remove(slot));
  }

  /**
   * As {@link drop}, for what may show a moment later (lists, stock): the next one who asks still gets the entry, as stale,
   * and has it made anew. So lists that change all the time are waited for by nobody.
   */
  outdate(tags: readonly string[]): number {
    const now = this.#now();
    return this.#invalidate(tags, slot => {
      slot.outdated = true;
      slot.freshUntil = Math.min(slot.freshUntil, now);
      slot.staleUntil = Math.min(slot.staleUntil, now + OUTDATED_MS);
    });
  }

  #invalidate(tags: readonly string[], take: (slot: Slot<V>) => void): number {
    if (tags.length === 0) return 0;
    this.#turn();
    const number = ++this.#number;
    let taken = 0;
    for (const tag of tags) {
      this.#young.set(tag, number);
      for (const slot of this.#tagged.get(tag) ?? []) {
        if (!slot.outdated) {
          this.#options.onDrop?.(slot, !slot.read);
          taken++;
        }
        this.#young.set(slot.key, number);
        take(slot);
      }
    }
    return taken;
  }

  /** What is being read now is refused, too. */
  clear(): void {
    for (const slot of [...this.#slots.values()]) this.#remove(slot);
    this.#clearedAt = ++this.#number;
  }

  /** For what may not be kept, and is given to who asked all the same. */
  passing(key: string, entry: Entry): Slot<V> {
    return { ...this.#slotOf(key, entry, 0), dead: true };
  }

  #slotOf(key: string, entry: Entry, ageMs: number): Slot<V> {
    const madeAt = this.#now() - ageMs;
    return {
      ...{ key, entry, madeAt, dead: false, outdated: false, used: false, read: false },
      freshUntil: madeAt + entry.freshMs,
      staleUntil: madeAt + entry.staleMs,
      value: this.#options.pack(entry.text, entry, key),
    };
  }

  #remove(slot: Slot<V>): void {
    slot.dead = true;
    if (this.#slots.get(slot.key) === slot) this.#slots.delete(slot.key);
    this.#bytes -= weightOf(slot.entry);
    for (const tag of slot.entry.tags) {
      const slots = this.#tagged.get(tag);
      slots?.delete(slot);
      if (slots?.size === 0) this.#tagged.delete(tag);
    }
  }

  #evict(): void {
    const { maxBytes, maxEntries } = this.#options;
    while (this.#bytes > maxBytes || this.#slots.size > maxEntries) {
      // A Map keeps the order of insertion: its first is where the hand is.
      const slot = this.#slots.values().next().value!;
      if (!slot.used || this.#slots.size === 1) this.#remove(slot);
      else {
        slot.used = false;
        this.#slots.delete(slot.key);
        this.#slots.set(slot.key, slot);
      }
    }
  }

  #turn(): void {
    const now = this.#now();
    if (now < this.#turnedAt + REMEMBERED_MS) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnedAt = now;
  }
}

/** The text as bytes and what is compressed of it, roughly. */
const weightOf = ({ text }: Entry) => OVERHEAD_BYTES + 4 * text.length;
