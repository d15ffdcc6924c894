const POLL_MS = 10;
/** Long enough for a machine with far too much to do; only a failure takes so long. */
const DEFAULT_TIMEOUT_MS = 60_000;

type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;

/**
 * Waits until `check` gives something truthy, and returns it. What `check` throws counts as "not yet" and is named
 * when the time is over.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  options: { timeoutMs?: number; what?: string } = {},
): Promise<Truthy<T>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = Date.now() + timeoutMs;
  for (let last: unknown; ; ) {
    try {
      const value = await check();
      if (value) return value as Truthy<T>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${options.what ?? "the condition"} did not come within ${timeoutMs} ms (last: ${last})`,
      );
    }
    await Bun.sleep(POLL_MS);
  }
}
