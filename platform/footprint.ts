/**
 * What only the start of a process needed is given back, once, when it has come to rest: garbage, the code of modules that
 * were only loaded, and the pages of Bun's own program that it has touched.
 *
 * The last are mapped from its file, the same in all processes, so the machine has no more room for it. But every process
 * counts them (40 of 45 MB of one that does nothing), so what `ps`, a container's limit by RSS and our own limits
 * (`TRADEWIND_*_MEMORY_MB`) see is nearer to what a process really takes. A page that is needed again comes from the page
 * cache, without a read.
 *
 * A process that is busy from the start never does: its code is in use, and would only be made again.
 *
 * Afterwards a process that has little to do collects its garbage now and then: 10 to 40 ms of standing still. The collector by itself
 * looks at what is young mostly, and at the rest when the heap has grown by a share of itself, so with a little work for hours every
 * process would hold more than it needs. (`Bun.gc(false)` looks at what is young, too.)
 */
import { dlopen, FFIType } from "bun:ffi";
import { readFileSync } from "node:fs";
import { coreMeter } from "./cores.ts";

const LOOK_MS = 5_000;
const COLLECT_MS = 20_000;
/** Customers wait for API nodes. */
export const COLLECT_FRONT_MS = 60_000;
/** Of one core, since the look before. */
const AT_REST = 0.15;
const BUSY_LOOKS = 6;
const SHRUNK_MS = 3_000;
const MADV_DONTNEED = 4;
const LIBC = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

export function giveBackAtRest(collectMs = COLLECT_MS): void {
  const cores = coreMeter();
  let looks = 0;
  const timer = setInterval(() => {
    const isAtRest = cores() < AT_REST;
    if (isAtRest) void giveBack();
    else if (++looks < BUSY_LOOKS) return;
    clearInterval(timer);
    collectAtRest(collectMs);
  }, LOOK_MS);
  timer.unref();
}

/** From then on garbage only: code that was dropped again and again would be made again and again. */
function collectAtRest(everyMs: number): void {
  const cores = coreMeter();
  setInterval(() => {
    if (cores() < AT_REST) Bun.gc(true);
  }, everyMs).unref();
}

export async function giveBack(): Promise<void> {
  Bun.gc(true);
  Bun.shrink();
  if (process.platform !== "linux") return;
  // Shrinking is done when nothing else is, and touches much of the program itself.
  await Bun.sleep(SHRUNK_MS);
  dropProgramPages();
}

/** Of mappings that hold nothing of this process's own: what is written to is no copy of the file any more. */
function dropProgramPages(): void {
  const madvise = openMadvise();
  if (!madvise) return;
  for (const mapping of readFileSync("/proc/self/smaps", "utf8").split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const [, from, to, rights, path] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(.*)/.exec(mapping) ?? [];
    const isOfFile = path === process.execPath && !rights!.includes("w");
    if (!isOfFile || !/^Anonymous: +0 kB/m.test(mapping)) continue;
    const begin = BigInt(`0x${from}`);
    madvise(begin, BigInt(`0x${to}`) - begin, MADV_DONTNEED);
  }
}

/** Undefined where there is none that we know: then more is counted, and nothing else is different. */
function openMadvise(): ((begin: bigint, length: bigint, advice: number) => number) | undefined {
  const { u64, i32 } = FFIType;
  for (const name of LIBC) {
    try {
      return dlopen(name, { madvise: { args: [u64, u64, i32], returns: i32 } }).symbols.madvise;
    } catch {
      // Another C library.
    }
  }
  return undefined;
}
