/**
 * What hits show, kept in this process. A page of 24 hits is some 25 KB that the engine would have to read, put together and send
 * for each query, and we to read: more work than finding them. So it is asked for ids and versions, and for the documents only
 * of what is not kept in that version.
 *
 * An item is named by index, product and version (indexer.ts raises it with every change of content), so what is kept can't be
 * older than what the engine found. {@link MAX_AGE_MS} is for what no version tells of: a hand in the engine, a database
 * that was set back. A product that goes between the finding and the reading is no hit any more.
 */
const MAX_AGE_MS = 60_000;
/** Characters of JSON; an item has about 1,000. */
const MAX_SIZE = 24 * 1_048_576;

/** What the engine says of a hit. `v`: none from an index whose settings are older than this program. */
export type Hit = { readonly id: string; readonly v?: number };
export type Stored = { readonly id: string; readonly v?: number; readonly item: object };

/** Documents of the index by their ids; the absent are absent. */
type Read = (uid: string, ids: readonly string[], signal?: AbortSignal) => Promise<readonly Stored[]>;
type Kept = { readonly version: number | undefined; readonly text: string; readonly until: number };

export class KeptItems {
  readonly #read: Read;
  readonly #maxSize: number;
  readonly #kept = new Map<string, Kept>();
  #size = 0;

  constructor(read: Read, maxSize = MAX_SIZE) {
    this.#read = read;
    this.#maxSize = maxSize;
  }

  /** The JSON of each hit's item, in the order of the hits. */
  async texts<T extends Hit>(
    uid: string,
    hits: readonly T[],
    signal?: AbortSignal,
  ): Promise<{ hit: T; text: string }[]> {
    const now = performance.now();
    const texts = hits.map(hit => this.#known(uid, hit, now));
    const missing = hits.filter((_, i) => texts[i] === undefined).map(hit => hit.id);
    const read = missing.length > 0 ? await this.#fetch(uid, missing, signal) : null;
    return hits.flatMap((hit, i) => {
      const text = texts[i] ?? read?.get(hit.id);
      return text === undefined ? [] : [{ hit, text }];
    });
  }

  #known(uid: string, { id, v }: Hit, now: number): string | undefined {
    const kept = v === undefined ? undefined : this.#kept.get(`${uid} ${id}`);
    return kept !== undefined && kept.version === v && kept.until > now ? kept.text : undefined;
  }

  async #fetch(uid: string, ids: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    const until = performance.now() + MAX_AGE_MS;
    const texts = new Map<string, string>();
    for (const { id, v, item } of await this.#read(uid, ids, signal)) {
      const text = JSON.stringify(item);
      texts.set(id, text);
      this.#keep(`${uid} ${id}`, { version: v, text, until });
    }
    return texts;
  }

  #keep(key: string, kept: Kept): void {
    this.#drop(key);
    this.#kept.set(key, kept);
    this.#size += kept.text.length;
    // Oldest first: a Map keeps the order of insertion, and each is read anew after its time.
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#maxSize) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#size -= this.#kept.get(key)?.text.length ?? 0;
    this.#kept.delete(key);
  }
}
