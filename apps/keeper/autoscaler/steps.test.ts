/** Growing and shrinking, with any load. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Steps, startAt, step } from "./steps.ts";

const coolDowns = { upMs: 5_000, downMs: 60_000 };
const TICK_MS = 1_000;

/** The totals after each second of these needs. */
function follow(needs: readonly number[], bounds = { floor: 1, ceiling: 50 }, start = 1): number[] {
  let steps: Steps = startAt(start, 0);
  return needs.map((need, i) => {
    steps = step(steps, need, bounds, coolDowns, (i + 1) * TICK_MS);
    return steps.total;
  });
}

const loads = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 400 });

test("a pool is never under its floor or over its ceiling", () => {
  fc.assert(
    fc.property(loads, fc.nat(10), fc.nat(30), fc.nat(60), (needs, floor, more, start) => {
      const totals = follow(needs, { floor, ceiling: floor + more }, start);
      expect(totals.every(total => total >= floor && total <= floor + more)).toBe(true);
    }),
  );
});

test("under a load that wavers by a tenth a pool that has settled goes one way at most", () => {
  const wavering = fc
    .tuple(
      fc.double({ min: 0.2, max: 40, noNaN: true }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 600, maxLength: 600 }),
    )
    .map(([level, noise]) => noise.map(one => level * (1 + one / 10)));
  fc.assert(
    fc.property(wavering, fc.integer({ min: 1, max: 50 }), (needs, start) => {
      const settled = follow(needs, undefined, start).slice(120);
      // It may still meet its first peak, or have had the last peak of all, but never turns round.
      const changes = settled.slice(1).map((total, i) => Math.sign(total - settled[i]!));
      expect(new Set(changes.filter(change => change !== 0)).size).toBeLessThanOrEqual(1);
      expect(Math.min(...settled)).toBeGreaterThanOrEqual(Math.floor(Math.min(...needs)));
    }),
  );
});

test("whatever the load does, a pool turns from growing to shrinking at most once per cool-down", () => {
  fc.assert(
    fc.property(loads, needs => {
      const totals = follow(needs);
      let grewAt = Number.NEGATIVE_INFINITY;
      for (const [i, total] of totals.entries()) {
        const before = i === 0 ? 1 : totals[i - 1]!;
        if (total > before) {
          expect(i - grewAt).toBeGreaterThanOrEqual(coolDowns.upMs / TICK_MS);
          grewAt = i;
        }
        // Not below what was needed at any time within the cool-down.
        const recent = needs.slice(Math.max(0, i - coolDowns.downMs / TICK_MS + 2), i + 1);
        if (total < before)
          expect(total).toBeGreaterThanOrEqual(Math.min(50, Math.ceil(Math.max(...recent) - 0.15)));
      }
    }),
  );
});

test("more need never ends in fewer processes", () => {
  fc.assert(
    fc.property(loads, fc.double({ min: 1, max: 5, noNaN: true }), (needs, factor) => {
      const less = follow(needs).at(-1)!;
      const more = follow(needs.map(need => need * factor)).at(-1)!;
      // Steps up need not fall on the same second: one step apart at most.
      expect(more).toBeGreaterThanOrEqual(Math.min(less, Math.ceil(Math.min(...needs.slice(-1)) - 0.15)));
    }),
  );
});

test("a lasting need is met, in steps that double, and a need that is gone is given up after the cool-down", () => {
  const totals = follow([...Array(60).fill(20), ...Array(90).fill(0)]);
  expect([...new Set(totals.slice(0, 60))]).toEqual([3, 6, 12, 20]);
  expect(totals.slice(60, 118).every(total => total === 20)).toBe(true);
  expect(totals.at(-1)).toBe(1);
});

test("a pool without a floor gets a process as soon as anything waits", () => {
  expect(follow([0, 0.001], { floor: 0, ceiling: 4 }, 0)).toEqual([0, 1]);
});
