/**
 * Admission to the database: so many entries are made at once, the others wait in the order they came. Without the shared
 * layer each node misses all that it does not have itself; those who write must find a connection all the same.
 */
export class Turns {
  readonly #max: number;
  readonly #queue: (() => void)[] = [];
  #inside = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#max) this.#inside++;
    else await new Promise<void>(resolve => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      // Who is next has this one's place.
      const next = this.#queue.shift();
      if (next) next();
      else this.#inside--;
    }
  }
}
