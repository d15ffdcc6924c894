/**
 * Debounces invalidations: a tag that may take a moment is made old at once when it has been left alone for that long, and
 * else when that time is over, however often it changed meanwhile. In a storm (more tags a second than {@link STORM_PER_SECOND},
 * over five seconds) it takes {@link STORM_MS}.
 *
 * What a process has changed itself is old at once all the same, up to {@link OWN_PER_SECOND} times a second a tag: beyond,
 * each reader of the one product that everybody is buying would have it made anew.
 */
/** With what an outdated entry is still given for (memory.ts) and what timers are late by it is a second at most. */
const SOON_MS = 700;
const STORM_MS = 5_000;
const STORM_PER_SECOND = 2_000;
const WINDOW_MS = 5_000;
const SLICES = 5;
const OWN_PER_SECOND = 200;

export type Throttle = {
  /** Those of the tags that are old now; the others follow by `onDue`. */
  offer(tags: readonly string[]): string[];
  /** Those of the tags of one's own changes that are old now; the others come by {@link offer}, as they do for everybody. */
  own(tags: readonly string[]): string[];
  /** Counts tags that don't wait. */
  count(tags: number): void;
  readonly isStorm: boolean;
  readonly waiting: number;
  stop(): void;
};

export function createThrottle(
  onDue: (tags: string[]) => void,
  now: () => number = () => performance.now(),
): Throttle {
  const last = new Map<string, number>();
  const due = new Map<string, number>();
  const slices = new Array<number>(SLICES).fill(0);
  /** How often a tag was one's own in this second. */
  const owned = new Map<string, number>();
  let ownedSince = now();
  let slice = Math.floor(now() / (WINDOW_MS / SLICES));
  let timer: Timer | undefined;

  const advance = () => {
    const current = Math.floor(now() / (WINDOW_MS / SLICES));
    for (; slice < current; slice++) {
      if (current - slice > SLICES) slice = current - SLICES;
      slices[(slice + 1) % SLICES] = 0;
    }
  };
  const isStorm = () => {
    advance();
    return slices.reduce((sum, one) => sum + one, 0) > (STORM_PER_SECOND * WINDOW_MS) / 1_000;
  };
  const count = (tags: number) => {
    advance();
    slices[slice % SLICES]! += tags;
  };
  const wake = () => {
    timer = undefined;
    const at = now();
    const ready = [...due].flatMap(([tag, when]) => (when <= at ? [tag] : []));
    for (const tag of ready) {
      due.delete(tag);
      last.delete(tag);
      last.set(tag, at);
    }
    if (ready.length > 0) onDue(ready);
    schedule();
  };
  const schedule = () => {
    if (timer !== undefined || due.size === 0) return;
    let first = Number.POSITIVE_INFINITY;
    for (const when of due.values()) first = Math.min(first, when);
    timer = setTimeout(wake, Math.max(10, first - now()));
    timer.unref();
  };

  return {
    offer(tags) {
      count(tags.length);
      const at = now();
      const wait = isStorm() ? STORM_MS : SOON_MS;
      for (const [tag, when] of last) {
        // In the order of time: what follows is younger.
        if (when > at - STORM_MS) break;
        last.delete(tag);
      }
      const ready = tags.filter(tag => {
        if (due.has(tag)) return false;
        const before = last.get(tag);
        if (before === undefined || before + wait <= at) return true;
        due.set(tag, before + wait);
        return false;
      });
      for (const tag of ready) {
        last.delete(tag);
        last.set(tag, at);
      }
      schedule();
      return ready;
    },
    own(tags) {
      const at = now();
      if (at >= ownedSince + 1_000) {
        owned.clear();
        ownedSince = at;
      }
      return tags.filter(tag => {
        const times = (owned.get(tag) ?? 0) + 1;
        owned.set(tag, times);
        return times <= OWN_PER_SECOND;
      });
    },
    count,
    get isStorm() {
      return isStorm();
    },
    get waiting() {
      return due.size;
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      due.clear();
    },
  };
}
