/**
 * Who may run in this process. Ordinary jobs enter together; a job that was delivered before wants the process for
 * itself, so that a kill is proven to be its own (bus/tries.ts). Such jobs take turns: while one waits or is alone, no
 * other starts. Neither wait is long: after {@link PATIENCE_MS} it starts beside those that still run, and after
 * {@link ALONE_MS} alone it shares the process again.
 */
const PATIENCE_MS = 1_000;
const ALONE_MS = 2_000;

export class Gate {
  #inside = 0;
  #closed = 0;
  #turn: Promise<void> = Promise.resolve();
  #onEmpty = () => {};
  readonly #onOpen: () => void;

  /** `onOpen` is called whenever ordinary jobs may enter again. */
  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
  }

  /** Jobs and batches that run now. */
  get inside(): number {
    return this.#inside;
  }

  tryEnter(): boolean {
    if (this.#closed > 0) return false;
    this.#inside++;
    return true;
  }

  leave(): void {
    this.#inside--;
    if (this.#inside === 0) this.#onEmpty();
  }

  /**
   * Starts `work` alone if the others finish in time, else beside them; it is told which. `onShared` is called when it
   * was alone and no longer is. Resolves when the turn is over, which may be before `work` ends.
   */
  alone(work: (alone: boolean) => Promise<void>, onShared: () => void): Promise<void> {
    this.#closed++;
    const turn = this.#turn.then(() => this.#take(work, onShared));
    this.#turn = turn.then(() => {
      this.#closed--;
      if (this.#closed === 0) this.#onOpen();
    });
    return this.#turn;
  }

  async #take(work: (alone: boolean) => Promise<void>, onShared: () => void): Promise<void> {
    const alone = await this.#emptied();
    this.#inside++;
    let ended = false;
    const end = work(alone).finally(() => {
      ended = true;
      this.leave();
    });
    if (!alone) return;
    await Promise.race([end, Bun.sleep(ALONE_MS)]);
    if (!ended) onShared();
  }

  /** True when the process is empty in time. */
  #emptied(): Promise<boolean> {
    if (this.#inside === 0) return Promise.resolve(true);
    return new Promise(resolve => {
      const end = (empty: boolean) => {
        clearTimeout(timer);
        this.#onEmpty = () => {};
        resolve(empty);
      };
      const timer = setTimeout(() => end(false), PATIENCE_MS);
      this.#onEmpty = () => end(true);
    });
  }
}
