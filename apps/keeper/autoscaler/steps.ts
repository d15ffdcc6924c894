/**
 * From a need to a number of processes, without flapping: a pool grows as soon as it needs more, at most to the double and
 * at most once per cool-down; it shrinks to the most that it needed, with a margin, within the whole of a longer cool-down.
 * What lies between "needs more" and "would do with less" is left alone.
 */
import type { Bounds } from "./policy.ts";

export type Steps = {
  readonly total: number;
  readonly upAtMs: number;
  /** Numbers that would have done, with a margin, within the last cool-down: the largest, the largest since, and so on. */
  readonly enough: readonly { readonly atMs: number; readonly processes: number }[];
};

export type CoolDowns = { readonly upMs: number; readonly downMs: number };

/** A need this little over a whole number calls for no further process. */
const GROW_SLACK = 0.15;
/** A pool shrinks when the rest of it would be busy for no more than this. */
const SHRINK_UTILISATION = 0.75;
const LARGEST_STEP = 2;

/** As if `total` had been needed until now: who begins to decide does not shrink before a whole cool-down. */
export function startAt(total: number, nowMs: number): Steps {
  return { total, upAtMs: Number.NEGATIVE_INFINITY, enough: [{ atMs: nowMs, processes: total }] };
}

export function step(
  before: Steps,
  need: number,
  bounds: Bounds,
  coolDowns: CoolDowns,
  nowMs: number,
): Steps {
  const within = (processes: number) => Math.min(bounds.ceiling, Math.max(bounds.floor, processes));
  const more = within(need > 0 ? Math.max(1, Math.ceil(need - GROW_SLACK)) : 0);
  const less = within(Math.ceil(need / SHRINK_UTILISATION));
  const enough = noted(before.enough, less, nowMs - coolDowns.downMs, nowMs);
  const total = within(before.total);
  if (more > total) {
    if (nowMs - before.upAtMs < coolDowns.upMs) return { ...before, total, enough };
    const grown = Math.min(more, Math.max(total * LARGEST_STEP, total + LARGEST_STEP));
    return { total: grown, upAtMs: nowMs, enough };
  }
  return { ...before, total: Math.min(total, enough[0]!.processes), enough };
}

/** Only the largest number counts: earlier ones that are no larger are forgotten, so the first is the largest. */
function noted(before: Steps["enough"], processes: number, sinceMs: number, nowMs: number): Steps["enough"] {
  const larger = before.filter(one => one.atMs > sinceMs && one.processes > processes);
  return [...larger, { atMs: nowMs, processes }];
}

/** The number that the pool really got, which the cores may have cut. */
export function granted(steps: Steps, total: number): Steps {
  return { ...steps, total };
}
