/**
 * What the load did and what it was told, item by item, beside what was done to the stack meanwhile. An item is one thing
 * that somebody wants once: an order, a job, an import, a picture. The count holds the journal against the stack, and a
 * failure shows the item's timeline.
 */
export type Kind = "order" | "flash" | "job" | "tick" | "import" | "picture" | "cancel" | "refund";

type Note = { readonly at: number; readonly what: string };

export type Answer = {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** What a refusal asks for; 0: nothing. */
  readonly retryAfterMs?: number;
};

export class Item {
  readonly notes: Note[] = [];
  /** The final answer that its client got; null while it has none, or when it gave up. */
  answer: Answer | null = null;
  gaveUp = false;

  constructor(
    readonly kind: Kind,
    /** Unique: the buyer's mail, the job's key, the handle of an import. */
    readonly name: string,
    /** What the client wanted, for the count. */
    readonly wants: Readonly<Record<string, unknown>>,
  ) {}

  note(what: string): void {
    this.notes.push({ at: Date.now(), what });
  }

  get accepted(): boolean {
    return this.answer !== null && this.answer.status < 300;
  }
}

/** Faults this long before an item's first note and after its last are told with it. */
const AROUND_MS = 5_000;

export class Journal {
  readonly items: Item[] = [];
  readonly #faults: Note[] = [];
  readonly #began = Date.now();

  open(kind: Kind, name: string, wants: Record<string, unknown> = {}): Item {
    const item = new Item(kind, name, wants);
    this.items.push(item);
    return item;
  }

  fault(what: string): void {
    this.#faults.push({ at: Date.now(), what: `*** ${what}` });
  }

  of(...kinds: Kind[]): Item[] {
    return this.items.filter(item => kinds.includes(item.kind));
  }

  /** What had been done to the stack last, at that moment or a second after it. */
  lastFault(atMs: number): string {
    const last = this.#faults.findLast(({ at }) => at <= atMs + 1_000);
    return last ? `${last.what} (${((atMs - last.at) / 1_000).toFixed(0)} s before)` : "no fault yet";
  }

  timeline(item: Item): string[] {
    const [first, last] = [item.notes[0]?.at ?? 0, item.notes.at(-1)?.at ?? 0];
    const near = this.#faults.filter(({ at }) => at > first - AROUND_MS && at < last + AROUND_MS);
    return [...item.notes, ...near]
      .toSorted((a, b) => a.at - b.at)
      .map(({ at, what }) => `${((at - this.#began) / 1_000).toFixed(3).padStart(8)} s  ${what}`);
  }
}
