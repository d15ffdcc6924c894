/**
 * When a schedule is due: cron expressions (five fields, or six with seconds first) in a time zone, by Croner.
 *
 * Where clocks are put forward, a time of day that does not exist is the first moment after the gap; where they are put
 * back, a time of day that comes twice counts at its first coming. What is due every hour or minute is due in every real one.
 */
import { Cron } from "croner";

export type Timing = { readonly cron: string; readonly timeZone: string };

const parsed = new Map<string, Cron>();

/** @throws RangeError for an expression, TypeError for a time zone that can't be read. */
function cronOf({ cron, timeZone }: Timing): Cron {
  const name = `${timeZone} ${cron}`;
  const known = parsed.get(name) ?? new Cron(cron, { timezone: timeZone, paused: true });
  parsed.set(name, known);
  return known;
}

/** The first tick after `at`; null when there is none any more. */
export function tickAfter(timing: Timing, at: Date): Date | null {
  return cronOf(timing).nextRun(at);
}

/** The last tick at or before `at`; null when there was none. */
export function tickBefore(timing: Timing, at: Date): Date | null {
  // Croner counts whole seconds and excludes the one that it is given.
  const next = new Date(Math.floor(at.getTime() / 1_000) * 1_000 + 1_000);
  return cronOf(timing).previousRuns(1, next)[0] ?? null;
}
