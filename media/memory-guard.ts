/**
 * Watches how much memory a decoder holds. A limit of the kernel's on address space can't be used: the JavaScript engine
 * reserves gigabytes that it never touches. So the resident memory is read twenty times a second, which a decoder can
 * outrun by what one core fills in 50 ms (some 100 MB); and should the machine run out all the same, the kernel is told to
 * take the decoder first. Linux only: elsewhere the limit on pixels has to do.
 */
import { readFileSync, writeFileSync } from "node:fs";

const EVERY_MS = 50;
const PAGE_BYTES = 4_096;
/** The highest: this process goes before any other of the machine. */
const FIRST_TO_GO = "1000";

/** Calls `onExcess` once when the process holds more than `maxBytes`. Returns what ends the watch. */
export function watchMemory(pid: number, maxBytes: number, onExcess: () => void): () => void {
  offerToKernel(pid);
  const timer = setInterval(() => {
    if (residentBytes(pid) <= maxBytes) return;
    clearInterval(timer);
    onExcess();
  }, EVERY_MS);
  return () => clearInterval(timer);
}

function offerToKernel(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, FIRST_TO_GO);
  } catch {
    // No Linux, or it has ended already.
  }
}

/** 0 when it can't be told. */
function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
