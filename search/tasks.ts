import type { IndexedEngine, TaskOutcome } from "./engine.ts";

const POLL_FIRST_MS = 2;
const POLL_MAX_MS = 100;

/** What became of a task of the engine, once it has run. */
export async function taskOutcome(
  engine: IndexedEngine,
  task: number,
  signal: AbortSignal | undefined,
): Promise<TaskOutcome> {
  for (let waitMs = POLL_FIRST_MS; ; waitMs = Math.min(waitMs * 2, POLL_MAX_MS)) {
    const state = await engine.taskState(task);
    if (state.type !== "pending") return state;
    await Bun.sleep(waitMs);
    signal?.throwIfAborted();
  }
}
