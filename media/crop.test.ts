import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { partAround } from "./crop.ts";
import { convertAsset } from "./index.ts";
import { type Plan, variantPlan } from "./plan.ts";
import { lookAtAll, origin, redAndBlue, type Setup, STORE, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

const plan: Plan = {
  ...variantPlan,
  sizes: [...variantPlan.sizes, { name: "square", width: 200, height: 200, crop: true }],
};

async function squares(width: number, focal: { x: number; y: number } | null) {
  const { id } = await media.upload(await redAndBlue(width, 100).png().toBuffer());
  if (focal) {
    await media.sql`UPDATE media.asset SET focal_x = ${focal.x}, focal_y = ${focal.y} WHERE store_id = ${STORE} AND id = ${id}`;
  }
  await convertAsset({ ...media, plan }, origin, id, { attempt: 1 });
  const seen = await lookAtAll(media, await media.asset(id));
  return seen.filter(({ variant }) => variant.name === "square");
}

test("a crop fills its box around the focal point, and is never enlarged", async () => {
  for (const [x, colour] of [
    [0.1, "red"],
    [0.95, "blue"],
  ] as const) {
    const found = await squares(800 + Math.round(x * 10), { x, y: 0.5 });
    expect(found.length).toBe(3);
    for (const { variant, at } of found) {
      expect([variant.width, variant.height]).toEqual([100, 100]);
      expect([at(0.1, 0.5), at(0.9, 0.5)]).toEqual([colour, colour]);
    }
  }
});

test("a crop without a focal point has its size all the same", async () => {
  for (const { variant } of await squares(700, null))
    expect([variant.width, variant.height]).toEqual([100, 100]);
});

test("the part of a picture lies inside it and holds the point, whatever the proportions", () => {
  const side = fc.integer({ min: 1, max: 5_000 });
  const box = fc.record({ width: side, height: side });
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(box, box, fc.record({ x: fraction, y: fraction }), (picture, wanted, point) => {
      const { left, top, width, height } = partAround(picture, wanted, point);
      expect(width > 0 && height > 0 && left >= 0 && top >= 0).toBe(true);
      expect(left + width <= picture.width && top + height <= picture.height).toBe(true);
      expect(Math.abs(point.x * picture.width - left - width / 2)).toBeLessThanOrEqual(picture.width / 2 + 1);
      expect(point.x * picture.width).toBeGreaterThanOrEqual(left - 1);
      expect(point.x * picture.width).toBeLessThanOrEqual(left + width + 1);
    }),
  );
});
