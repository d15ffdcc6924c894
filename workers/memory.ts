/**
 * A worker that takes more memory than it may leaves and is replaced: what handlers and libraries leak over days must not
 * end the machine. One that is over its limit collects its garbage first; when three looks in a row find it over, it
 * goes. The supervisor watches from outside what can't watch itself (apps/cluster/memory.ts).
 */
const LOOK_MS = 1_000;
const LOOKS = 3;
/** A limit under what a process needs at rest must not become a hectic loop of starts. */
const LEAST_AGE_MS = 10_000;

export type MemoryWatch = { stop(): void };

/** `onOver` is called once, with the resident memory in MB. */
export function watchMemory(options: {
  limitMb: number;
  onOver: (rssMb: number) => void;
  leastAgeMs?: number;
}): MemoryWatch {
  const { limitMb, onOver, leastAgeMs = LEAST_AGE_MS } = options;
  let over = 0;
  const timer = setInterval(() => {
    const rssMb = residentMb();
    if (rssMb <= limitMb) {
      over = 0;
      return;
    }
    over++;
    if (over === 1) Bun.gc(true);
    if (over < LOOKS || process.uptime() * 1_000 < leastAgeMs) return;
    clearInterval(timer);
    onOver(rssMb);
  }, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

export function residentMb(): number {
  return Math.round(process.memoryUsage.rss() / 1_048_576);
}
