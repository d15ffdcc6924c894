/**
 * A server may live and answer nobody: nats-server 2.9 stays locked after its disk was full, also when there is room again.
 * Its unit sees a running process; here it is asked now and then, and one that has not answered for {@link PATIENCE_MS} is
 * ended, so that its unit starts it again. Longer than a busy machine or a pause of some seconds keeps it from answering.
 */
import type { Log } from "../../platform/log.ts";
import { pause } from "../../platform/pause.ts";
import { end, type ProcessRef } from "./process.ts";
import type { Unit } from "./unit.ts";

const EVERY_MS = 2_000;
const PATIENCE_MS = 15_000;
/** What answers nobody hardly hears that it should end. */
const END_MS = 1_000;

/** `isWell` rejects or gives false within some seconds when it is not. Returns the way to stop watching. */
export function watchAnswers(
  unit: Unit,
  isWell: () => Promise<boolean>,
  options: { log: Log; everyMs?: number; patienceMs?: number },
): () => void {
  const { log, everyMs = EVERY_MS, patienceMs = PATIENCE_MS } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const watch = async () => {
    let asked: ProcessRef | null = null;
    for (let since = 0; !signal.aborted; await pause(everyMs, signal)) {
      const ref = unit.current();
      if (!ref || ref.pid !== asked?.pid) since = performance.now();
      asked = ref;
      if (!ref || (await isWell().catch(() => false))) since = performance.now();
      if (signal.aborted || !ref || performance.now() - since < patienceMs) continue;
      log.error(
        { unit: unit.name, child: ref.pid, patienceMs },
        "answers nobody; it is ended and started again",
      );
      await end(ref, { patienceMs: END_MS });
    }
  };
  void watch();
  return () => stopping.abort();
}
