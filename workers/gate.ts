/**
 * Who may run in this process. Ordinary jobs enter together; a job that was delivered before wants the process for
 * itself, so that a kill is proven to be its own (bus/tries.ts). While one waits no other starts.
 */
const PATIENCE_MS = 1_000;

export class Gate {
  #inside = 0;
  #exclusive = false;
  #waiting = 0;
  readonly #onOpen: () => void;
  #onEmpty = () => {};

  /** `onOpen` is called whenever ordinary jobs may enter again. */
  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
  }

  tryEnter(): boolean {
    if (this.#exclusive || this.#waiting > 0) return false;
    this.#inside++;
    return true;
  }

  leave(): void {
    this.#inside--;
    if (this.#inside === 0) this.#onEmpty();
  }

  get inside(): number {
    return this.#inside + (this.#exclusive ? 1 : 0);
  }

  /**
   * Runs `work` alone, when the others finish within a second; else beside them. Calls take turns.
   * `work` is told which of the two it is.
   */
  async alone(work: (alone: boolean) => Promise<void>): Promise<void> {
    this.#waiting++;
    try {
      await this.#turn();
      const alone = await this.#emptied();
      this.#exclusive = alone;
      this.#waiting--;
      if (!alone) this.#inside++;
      try {
        if (!alone) this.#onOpen();
        await work(alone);
      } finally {
        if (alone) this.#exclusive = false;
        else this.leave();
      }
    } finally {
      this.#next();
      this.#onOpen();
    }
  }

  readonly #turns: (() => void)[] = [];
  #busy = false;

  async #turn(): Promise<void> {
    if (this.#busy) await new Promise<void>(resolve => this.#turns.push(resolve));
    this.#busy = true;
  }

  #next(): void {
    const next = this.#turns.shift();
    if (next) next();
    else this.#busy = false;
  }

  /** True when the process is empty in time. */
  #emptied(): Promise<boolean> {
    if (this.#inside === 0) return Promise.resolve(true);
    return new Promise(resolve => {
      const timer = setTimeout(() => end(false), PATIENCE_MS);
      const end = (empty: boolean) => {
        clearTimeout(timer);
        this.#onEmpty = () => {};
        resolve(empty);
      };
      this.#onEmpty = () => end(true);
    });
  }
}
