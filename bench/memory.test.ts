import { expect, test } from "bun:test";
import { growthOf, seriesOf } from "./memory.ts";

const track = (mb: (second: number) => number, seconds = 600, from = 0) => ({
  name: "api-1",
  pid: 1,
  ours: true,
  points: Array.from({ length: seconds - from }, (_, i) => [from + i, mb(from + i)] as const),
});

test("growth is of the time after the warm-up, and swings are no growth", () => {
  const swinging = track(second => (second < 120 ? second : 100 + 20 * Math.sin(second)));
  expect(Math.abs(growthOf(swinging, 120)!.growth)).toBeLessThan(0.03);
  const leaking = track(second => 100 + Math.max(0, second - 120) / 10);
  expect(growthOf(leaking, 120)!.growth).toBeGreaterThan(0.3);
});

test("a process that came later is not judged", () => {
  expect(
    growthOf(
      track(() => 100, 600, 200),
      120,
    ),
  ).toBeNull();
  expect(
    growthOf(
      track(() => 100, 100),
      120,
    ),
  ).toBeNull();
});

test("a drawing keeps the ends of a long track", () => {
  const { points } = seriesOf(track(second => second, 601));
  expect(points.length).toBeLessThan(130);
  expect([points[0], points.at(-1)]).toEqual([
    [0, 0],
    [600, 600],
  ]);
});
