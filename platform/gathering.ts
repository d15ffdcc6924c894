/** When the next group of a queue begins: at the end of the event loop's turn, or later, for more to share its cost. */
export type GatheringOptions = {
  /** How many wait. */
  waiting(): number;
  /** Whether a group may begin now, whatever waits for company. */
  isFree(): boolean;
  /** Enough wait that the next group need not wait for company. */
  isEnough(): boolean;
  /** After a group of `from` or more the next begins `ms` after it began; absent: at once. */
  gather: { readonly ms: number; readonly from: number } | undefined;
  /** Begins what may begin. */
  flush(): void;
};

export type Gathering = {
  /** To be called when something came or a group ended. */
  plan(): void;
  /** To be called when a group begins. */
  began(size: number): void;
};

export function openGathering(options: GatheringOptions): Gathering {
  const { gather } = options;
  let planned = false;
  let beganAt = Number.NEGATIVE_INFINITY;
  let lastSize = 0;
  let timer: Timer | undefined;

  function waitMs(): number {
    if (!gather || lastSize < gather.from || options.isEnough()) return 0;
    return beganAt + gather.ms - performance.now();
  }

  function plan(): void {
    if (planned || options.waiting() === 0 || !options.isFree()) return;
    const ms = waitMs();
    if (ms > 0) {
      if (timer) return;
      timer = setTimeout(() => {
        timer = undefined;
        plan();
      }, ms);
      return;
    }
    planned = true;
    // What came in the same turn of the event loop goes together.
    setImmediate(() => {
      planned = false;
      options.flush();
    });
  }

  return {
    plan,
    began(size) {
      beganAt = performance.now();
      lastSize = size;
    },
  };
}
