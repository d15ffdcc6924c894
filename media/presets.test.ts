import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  changeAsset,
  collectFiles,
  convertAsset,
  declarePreset,
  latestBackfill,
  removePreset,
  runBackfill,
} from "./index.ts";
import { look, origin, redAndBlue, type Setup, STORE, setup } from "./testing.ts";

let media: Setup;
beforeEach(async () => {
  media = await setup();
});
afterEach(() => media.close());

const author = { ...origin, actor: "key_test" };
const square = { name: "square", width: 200, height: 200, crop: true };
const never = new AbortController().signal;
const convert = (id: string) => convertAsset(media, origin, id, { attempt: 1 });

async function ready(width = 1_000) {
  const { id } = await media.upload(await redAndBlue(width, 500).png().toBuffer());
  await convert(id);
  return media.asset(id);
}

async function backfill(): Promise<string[]> {
  const { id } = (await latestBackfill(media.sql, STORE))!;
  const seen: string[] = [];
  await runBackfill(media.sql, origin, id, never, (done, total) => seen.push(`${done}/${total}`));
  return seen;
}

const named = async (id: string, name: string) =>
  (await media.asset(id)).variants.filter(variant => variant.name === name);

test("a declared size is made of what is there and of what comes, and nothing else is made again", async () => {
  const old = await ready();
  expect(await declarePreset(media.sql, author, square)).toBe("created");
  expect((await media.jobs()).filter(job => job.startsWith("image.backfill"))).toHaveLength(1);
  expect(await backfill()).toEqual(["1/1"]);
  const waiting = await media.asset(old.id);
  expect([waiting.status, waiting.complete, waiting.variants.length]).toEqual(["ready", false, 9]);
  expect(await latestBackfill(media.sql, STORE)).toMatchObject({ status: "done", converting: 1 });
  await convert(old.id);
  const crops = await named(old.id, "square");
  expect(crops.map(one => [one.format, one.width, one.height])).toEqual([
    ["webp", 200, 200],
    ["jpeg", 200, 200],
    ["avif", 200, 200],
  ]);
  expect((await media.asset(old.id)).variants.slice(0, 9)).toEqual(old.variants);
  const next = await ready(1_001);
  expect([next.complete, next.variants.length]).toEqual([true, 12]);
});

test("a backfill that is run again, or that died between pages, begins nothing twice", async () => {
  await ready();
  await declarePreset(media.sql, author, square);
  await backfill();
  const jobs = await media.jobs();
  await backfill();
  expect(await media.jobs()).toEqual(jobs);
  const aborted = AbortSignal.abort();
  expect(runBackfill(media.sql, origin, "backfill_unknown", aborted, () => {})).rejects.toThrow();
  expect(await runBackfill(media.sql, origin, "backfill_unknown", never, () => {})).toBe("not_found");
});

test("a size that is removed goes from every picture, with its files", async () => {
  const { id } = await ready();
  await declarePreset(media.sql, author, square);
  await backfill();
  await convert(id);
  const [crop] = await named(id, "square");
  expect(await removePreset(media.sql, author, "square")).toBe(true);
  expect(await removePreset(media.sql, author, "square")).toBe(false);
  await backfill();
  await collectFiles(media.sql, media.storage);
  expect((await media.asset(id)).variants).toHaveLength(9);
  expect((await media.asset(id)).complete).toBe(true);
  expect(media.fileOf(crop!)).rejects.toThrow();
});

test("sizes never change, and there is a bound to their number", async () => {
  await declarePreset(media.sql, author, square);
  expect(await declarePreset(media.sql, author, square)).toBe("same");
  expect(await declarePreset(media.sql, author, { ...square, width: 201 })).toBe("differs");
  const more = Array.from({ length: 25 }, (_, i) => ({ ...square, name: `size-${i}` }));
  const answers = await Promise.all(more.map(one => declarePreset(media.sql, author, one)));
  expect(answers.filter(answer => answer === "created")).toHaveLength(19);
});

test("another focal point has the crops made anew, and only those", async () => {
  await declarePreset(media.sql, author, square);
  const asset = await ready();
  for (const [x, colour] of [
    [0, "red"],
    [1, "blue"],
  ] as const) {
    expect(await changeAsset(media, author, asset.id, { focalPoint: { x, y: 0.5 } })).toBe(true);
    const waiting = await media.asset(asset.id);
    expect([waiting.status, waiting.complete, waiting.variants.length]).toEqual(["ready", false, 9]);
    await convert(asset.id);
    const [crop] = await named(asset.id, "square");
    const seen = await look(media, crop!);
    expect([seen.at(0.1, 0.5), seen.at(0.9, 0.5)]).toEqual([colour, colour]);
  }
});
