/**
 * Whether Postgres gives signs of life. A frozen server (or one behind a broken network) keeps its connections and says nothing, and
 * the driver waits. It is asked when somebody has waited for long (patience.ts); when it says nothing to that either it counts as frozen, until
 * it has answered that question, or another. Meanwhile what can do without it is not kept waiting: {@link Lifesign.unlessFrozen} fails as if the server were
 * away, so that a shop's key and its kept answers are given as they are without Postgres. All else goes on waiting for it.
 */
import type { Db } from "../../../platform/postgres/index.ts";

export class PostgresFrozen extends Error {
  override name = "PostgresFrozen";
  readonly code = "POSTGRES_FROZEN";
  constructor() {
    super("Postgres gives no sign of life");
  }
}

export class Lifesign {
  readonly #ask: () => Promise<unknown>;
  #asked: Promise<true> | undefined;
  #frozen = false;
  #isTrying = false;
  /** A set, and no promise to race against: that would keep what every race was about. */
  readonly #waiters = new Set<(reason: PostgresFrozen) => void>();

  /** `ask` is answered by Postgres, on a connection that nothing else waits for. */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask;
  }

  /** Resolves when Postgres has answered: one question at a time for all. Refused is an answer too: then all hear of it by themselves. */
  answers(): Promise<true> {
    const over = (): true => {
      this.#asked = undefined;
      this.#frozen = false;
      return true;
    };
    this.#asked ??= this.#ask().then(over, over);
    return this.#asked;
  }

  /** It has not answered for too long. Nothing, when it has meanwhile. */
  giveUp(): void {
    if (this.#asked === undefined || this.#frozen) return;
    this.#frozen = true;
    for (const waiter of this.#waiters) waiter(new PostgresFrozen());
  }

  /** @throws PostgresFrozen before it begins, or as soon as that is known; what has begun goes on. */
  unlessFrozen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#frozen) {
      void this.#tryOne(work);
      return Promise.reject(new PostgresFrozen());
    }
    return new Promise((resolve, reject) => {
      this.#waiters.add(reject);
      const over = () => this.#waiters.delete(reject);
      work().then(resolve, reject).finally(over);
    });
  }

  /** Only the connection that is asked on may be broken: then this is answered, and it is frozen no more. */
  async #tryOne(work: () => Promise<unknown>): Promise<void> {
    if (this.#isTrying) return;
    this.#isTrying = true;
    await work().then(
      () => {
        this.#frozen = false;
      },
      () => {},
    );
    this.#isTrying = false;
  }
}

const signs = new WeakMap<Db, Lifesign>();

/** Of that pool; of one that nobody watches: never frozen. */
export function lifesignOf(sql: Db): Lifesign {
  const known = signs.get(sql) ?? new Lifesign(async () => {});
  signs.set(sql, known);
  return known;
}

/** Asks for signs of life of that pool's server by `ask` from now on. */
export function watchLife(sql: Db, ask: () => Promise<unknown>): Lifesign {
  const watched = new Lifesign(ask);
  signs.set(sql, watched);
  return watched;
}
