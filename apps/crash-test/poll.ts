const EVERY_MS = 40;

/** Asks until `check` gives something truthy; what it throws counts as not yet. @throws Error naming what did not come */
export async function poll<T>(
  what: string,
  patienceMs: number,
  check: () => Promise<T> | T,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + patienceMs;
  for (let last: unknown; ; ) {
    try {
      const value = await check();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const why = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`${what} did not come within ${patienceMs / 1_000} s (last: ${why})`);
    }
    await Bun.sleep(EVERY_MS);
  }
}
