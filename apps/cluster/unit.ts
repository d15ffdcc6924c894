/**
 * Something that must run: started again when it ends, with a growing pause between tries.
 *
 *   starting → running → (ended) → pausing → starting …      stop(): any state → stopped
 *
 * The pause doubles from 200 ms to 10 s and falls back when the unit ran for 3 s: what falls
 * at once is left alone for longer and longer, what is killed now and then must not stay away for it. A stop during a start waits
 * for that start and ends what it made, so that nothing is left behind.
 */
import type { Log } from "../../platform/log.ts";
import type { ManagedProcess, ProcessRef } from "./process.ts";

export type Started = {
  readonly process: ManagedProcess;
  /** Whether it said that it works; absent: it is there only when it does. */
  isReady?(): boolean;
  stop(patienceMs: number, signal?: NodeJS.Signals): Promise<void>;
};

export type UnitOptions = {
  readonly name: string;
  readonly start: () => Promise<Started>;
  readonly log: Log;
  /** Told after each change of {@link Unit.current}. */
  readonly onChange: () => void;
  /** What runs already, if anything does. */
  readonly first?: Started;
};

export type Unit = {
  readonly name: string;
  /** The process that runs now. */
  current(): ProcessRef | null;
  /** Whether the process that runs now works. */
  isReady(): boolean;
  /** How often it was started again. */
  restarts(): number;
  /** Asks it to end by `signal` (SIGTERM), and kills it when patience is over. A second call may be less patient. */
  stop(patienceMs: number, signal?: NodeJS.Signals): Promise<void>;
};

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const HEALTHY_MS = 3_000;

export function keepRunning({ name, start, log, onChange, first }: UnitOptions): Unit {
  let started: Started | null = first ?? null;
  let restarts = 0;
  const stopped = Promise.withResolvers<void>();
  let stopping = false;

  const pause = (ms: number) => Promise.race([Bun.sleep(ms), stopped.promise]);
  const tryStart = async () => {
    try {
      started = await start();
      onChange();
    } catch (error) {
      log.error({ unit: name, error: (error as Error).message }, "start failed");
    }
  };

  const loop = (async () => {
    for (let failures = 0; !stopping; ) {
      const since = Date.now();
      if (!started) await tryStart();
      if (started && !stopping) {
        const how = await Promise.race([started.process.exited, stopped.promise]);
        if (stopping) break;
        log.warn({ unit: name, child: started.process.pid, how }, "ended; starting again");
        started = null;
        onChange();
      }
      if (stopping) break;
      failures = Date.now() - since > HEALTHY_MS ? 0 : failures + 1;
      restarts++;
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1)));
    }
  })();

  return {
    name,
    current: () => started?.process ?? null,
    isReady: () => started !== null && (started.isReady?.() ?? true),
    restarts: () => restarts,
    async stop(patienceMs, signal) {
      stopping = true;
      stopped.resolve();
      await loop;
      await started?.stop(patienceMs, signal);
      started = null;
      onChange();
    },
  };
}
