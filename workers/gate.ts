/**
 * Who may run in this process. Ordinary jobs enter together; a job that may be a killer wants the process for
 * itself, so that a kill is proven to be its own (bus/tries.ts). Such jobs take turns: while one waits or is alone, no
 * other starts. Neither wait is long: it is for jobs that run for less than {@link PATIENCE_MS}, beside longer ones it
 * starts at once; and after {@link ALONE_MS} alone it shares the process again.
 */
const PATIENCE_MS = 1_000;
const ALONE_MS = 2_000;

/** What a job that entered gives back when it leaves. */
export type Ticket = { readonly enteredMs: number };

export class Gate {
  readonly #inside = new Set<Ticket>();
  #closed = 0;
  #expected = 0;
  #turn: Promise<void> = Promise.resolve();
  #onLeave = () => {};
  readonly #onOpen: () => void;

  /** `onOpen` is called whenever ordinary jobs may enter again. */
  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
  }

  /** Jobs and batches that run now. */
  get inside(): number {
    return this.#inside.size;
  }

  /** Jobs of all kinds that want to be alone and have had no turn yet, by what {@link expect} was told. */
  get expected(): number {
    return this.#expected;
  }

  expect(more: number): void {
    this.#expected += more;
  }

  /** Keeps ordinary jobs out between turns, until the returned function is called. */
  close(): () => void {
    this.#closed++;
    return () => this.#open();
  }

  /** Null: not now; `onOpen` tells when. */
  tryEnter(): Ticket | null {
    return this.#closed > 0 ? null : this.#enter();
  }

  leave(ticket: Ticket): void {
    this.#inside.delete(ticket);
    this.#onLeave();
  }

  /**
   * Starts `work` alone if the others finish in time, else beside them; it is told which. `onShared` is called when it
   * was alone and no longer is. Resolves when the turn is over, which may be before `work` ends.
   */
  alone(work: (alone: boolean) => Promise<void>, onShared: () => void): Promise<void> {
    this.#closed++;
    const turn = this.#turn.then(() => this.#take(work, onShared));
    this.#turn = turn.then(() => this.#open());
    return this.#turn;
  }

  #open(): void {
    this.#closed--;
    if (this.#closed === 0) this.#onOpen();
  }

  #enter(): Ticket {
    const ticket = { enteredMs: performance.now() };
    this.#inside.add(ticket);
    return ticket;
  }

  async #take(work: (alone: boolean) => Promise<void>, onShared: () => void): Promise<void> {
    await this.#youngOnesGone();
    const alone = this.#inside.size === 0;
    const ticket = this.#enter();
    let ended = false;
    const end = work(alone).finally(() => {
      ended = true;
      this.leave(ticket);
    });
    if (!alone) return;
    await Promise.race([end, Bun.sleep(ALONE_MS)]);
    if (!ended) onShared();
  }

  /** Waits until every job inside has left or has run for longer than the patience. */
  async #youngOnesGone(): Promise<void> {
    for (;;) {
      const youngestMs = Math.max(...[...this.#inside].map(ticket => ticket.enteredMs));
      const waitMs = youngestMs + PATIENCE_MS - performance.now();
      if (this.#inside.size === 0 || waitMs <= 0) return;
      await this.#leaveOrTime(waitMs);
    }
  }

  #leaveOrTime(ms: number): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        clearTimeout(timer);
        this.#onLeave = () => {};
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#onLeave = end;
    });
  }
}
