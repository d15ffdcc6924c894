/** When the primary was how far: what turns the position of a replica into how old it is. */

export type Moment = {
  /** `performance.now()` before the primary was asked. */
  readonly atMs: number;
  /** Of the primary, asked then: all that was committed and seen before `atMs` lies before it. */
  readonly position: number;
};

/** What is further behind than the oldest of them is behind by more. */
const KEPT_MS = 60_000;

export class Moments {
  /** Oldest first. */
  readonly #kept: Moment[] = [];

  add(moment: Moment): void {
    while (this.#kept.length > 0 && this.#kept[0]!.atMs < moment.atMs - KEPT_MS) this.#kept.shift();
    this.#kept.push(moment);
  }

  /** The last one at which the primary was no further than this. */
  reachedBy(position: number): Moment | undefined {
    return this.#kept.findLast(moment => moment.position <= position);
  }
}
