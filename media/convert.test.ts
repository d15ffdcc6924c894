import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { convertAsset, DecoderCrash } from "./index.ts";
import { originalKey } from "./plan.ts";
import { gifOf, look, lookAtAll, origin, redAndBlue, type Seen, type Setup, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

const first = { attempt: 1 };

async function convert(bytes: Uint8Array) {
  const { id } = await media.upload(bytes);
  const result = await convertAsset(media, origin, id, first);
  return { result, asset: await media.asset(id) };
}

function expectClean({ metadata, variant }: Seen): void {
  const { exif, icc, iptc, xmp, orientation, space, hasProfile } = metadata;
  expect({ exif, icc, iptc, xmp, orientation, hasProfile }).toEqual({ hasProfile: false } as never);
  expect(space).toBe("srgb");
  expect(metadata.width).toBe(variant.width);
  expect(metadata.pageHeight ?? metadata.height).toBe(variant.height);
}

const allNames = ["300", "800", "1920"];
const namesOf = (seen: Seen[], format: string) =>
  seen.filter(({ variant }) => variant.format === format).map(({ variant }) => variant.name);

const picture = () => redAndBlue(1000, 500);
const inputs: Record<string, () => Promise<Buffer>> = {
  jpeg: () => picture().withMetadata({ density: 300 }).jpeg().toBuffer(),
  "progressive jpeg": () => picture().jpeg({ progressive: true }).toBuffer(),
  "cmyk jpeg": () => picture().toColourspace("cmyk").jpeg().toBuffer(),
  "jpeg in Display P3": () => picture().withIccProfile("p3").jpeg().toBuffer(),
  png: () => picture().png().toBuffer(),
  "interlaced palette png": () => picture().png({ palette: true, progressive: true }).toBuffer(),
  "16 bit png": () => picture().toColourspace("rgb16").png().toBuffer(),
  webp: () => picture().webp().toBuffer(),
  avif: () => picture().avif({ effort: 0 }).toBuffer(),
  gif: () => picture().gif().toBuffer(),
  tiff: () => picture().tiff({ compression: "lzw" }).toBuffer(),
};

describe("a picture", () => {
  test.each(Object.keys(inputs))("in %s becomes three sizes in WebP, AVIF and JPEG, clean", async name => {
    const { result, asset } = await convert(await inputs[name]!());
    expect(result).toEqual({ type: "ready" });
    expect([asset.status, asset.width, asset.height, asset.animated]).toEqual(["ready", 1000, 500, false]);
    expect(asset.placeholder).toMatch(/^[\w+/=]{20,60}$/);
    expect(asset.colour).toMatch(/^#[0-9a-f]{6}$/);
    const seen = await lookAtAll(media, asset);
    for (const format of ["webp", "avif", "jpeg"]) expect(namesOf(seen, format)).toEqual(allNames);
    for (const one of seen) {
      expectClean(one);
      expect([one.at(0.2, 0.5), one.at(0.8, 0.5)]).toEqual(["red", "blue"]);
      // Never enlarged: the largest is the picture itself.
      const width = Math.min(1000, Number(one.variant.name));
      expect([one.variant.width, one.variant.height]).toEqual([width, width / 2]);
    }
  });

  test.each([
    [1, "left"],
    [2, "right"],
    [3, "right"],
    [6, "top"],
    [8, "bottom"],
  ])("with EXIF orientation %i is shown upright", async (orientation, redSide) => {
    const { asset } = await convert(await redAndBlue(96, 48).withMetadata({ orientation }).jpeg().toBuffer());
    const lies = orientation > 4;
    expect([asset.width, asset.height]).toEqual(lies ? [48, 96] : [96, 48]);
    for (const one of await lookAtAll(media, asset)) {
      expectClean(one);
      const places = { left: [0.2, 0.5], right: [0.8, 0.5], top: [0.5, 0.2], bottom: [0.5, 0.8] } as const;
      const red = Object.entries(places).filter(([, [x, y]]) => one.at(x, y) === "red");
      expect(red.map(([side]) => side)).toContain(redSide);
    }
  });

  test("with transparency keeps it and gets a PNG; an opaque alpha channel is none", async () => {
    const clear = { r: 10, g: 200, b: 10, alpha: 0.25 };
    const create = (alpha: number) =>
      sharp({ create: { width: 90, height: 60, channels: 4, background: { ...clear, alpha } } })
        .png()
        .toBuffer();
    const transparent = await lookAtAll(media, (await convert(await create(0.25))).asset);
    expect(new Set(transparent.map(one => one.variant.format))).toEqual(new Set(["webp", "avif", "png"]));
    for (const { metadata } of transparent) expect(metadata.hasAlpha).toBe(true);
    const opaque = await lookAtAll(media, (await convert(await create(1))).asset);
    expect(new Set(opaque.map(one => one.variant.format))).toEqual(new Set(["webp", "avif", "jpeg"]));
    for (const { metadata } of opaque) expect(metadata.hasAlpha).toBe(false);
  });

  test.each(["gif", "webp"] as const)(
    "that moves (%s) keeps moving in WebP and shows its first frame else",
    async format => {
      const frame = (r: number) => ({ r, g: 20, b: 240 - r });
      const frames = [240, 0, 120].map(r =>
        sharp({ create: { width: 400, height: 300, channels: 3, background: frame(r) } })
          .png()
          .toBuffer(),
      );
      const joined = sharp(await Promise.all(frames), { join: { animated: true } });
      const bytes = await joined.toFormat(format, { delay: [100, 200, 300], loop: 2 }).toBuffer();
      const { asset } = await convert(bytes);
      expect([asset.width, asset.height, asset.animated]).toEqual([400, 300, true]);
      for (const one of await lookAtAll(media, asset)) {
        expectClean(one);
        const moves = one.variant.format === "webp";
        expect(one.variant.animated).toBe(moves);
        expect(one.metadata.pages ?? 1).toBe(moves ? 3 : 1);
        if (moves) expect([one.metadata.delay, one.metadata.loop]).toEqual([[100, 200, 300], 2]);
        expect(one.at(0.5, 0.5)).toBe("red");
      }
    },
  );

  test("that is very tall is bounded in height, and one of a single pixel is taken too", async () => {
    const { asset: tall } = await convert(await redAndBlue(20, 9_000).png().toBuffer());
    expect(tall.variants.map(one => one.height).every(height => height <= 3_840)).toBe(true);
    const { asset: dot } = await convert(await redAndBlue(1, 1).png().toBuffer());
    expect(dot.variants.map(one => `${one.width}x${one.height}`)).toEqual(Array(9).fill("1x1"));
  });
});

const photos = join(import.meta.dir, "../../shared/data/photos");
const photoNames = await readdir(photos).catch(() => []);
if (photoNames.length === 0) console.log("left out: the real photographs (../shared/data/photos is missing)");

describe.skipIf(photoNames.length === 0)("real photographs", () => {
  test.each(photoNames)("%s becomes ready, upright and clean", async name => {
    const bytes = Buffer.from(await Bun.file(join(photos, name)).arrayBuffer());
    const { asset } = await convert(bytes);
    expect(asset.status).toBe("ready");
    const upright = (await sharp(bytes).metadata()).autoOrient;
    expect([asset.width, asset.height]).toEqual([upright.width, upright.height]);
    for (const one of await lookAtAll(media, asset)) expectClean(one);
  });
});

describe("a picture that can't be used", () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => Bun.hash.crc32(String(i)) & 0xff));
  const detailed = () => sharp(noise, { raw: { width: 64, height: 64, channels: 3 } });
  const broken: Record<string, () => Promise<Buffer>> = {
    "truncated jpeg": async () => (await detailed().jpeg().toBuffer()).subarray(0, 1_500),
    "truncated png": async () => (await detailed().png().toBuffer()).subarray(0, 1_500),
    "truncated webp": async () => (await detailed().webp({ lossless: true }).toBuffer()).subarray(0, 1_500),
    "truncated gif": async () => (await detailed().gif().toBuffer()).subarray(0, 1_500),
    "scrambled png": async () => (await detailed().png().toBuffer()).fill(0x55, 100, 400),
    "avif of headers alone": async () => (await detailed().avif({ effort: 0 }).toBuffer()).subarray(0, 400),
    "gif whose frames are a bomb together": async () => gifOf(2_000, 2_000, 13),
    "gif with too many frames": async () => gifOf(10, 10, 2_001),
  };

  test.each(Object.keys(broken))("(%s) fails with its reason, and leaves nothing to show", async name => {
    const { result, asset } = await convert(await broken[name]!());
    expect(result.type).toBe("failed");
    expect(asset.status).toBe("failed");
    expect(asset.error?.code).toMatch(/^(unreadable|too_many_pixels|too_many_frames)$/);
    expect(asset.error?.message).not.toContain(media.dir);
    expect(asset.variants).toEqual([]);
    expect(await media.jobs()).not.toContain(`catalog.attach_media asset:${asset.id}`);
  });

  test("is tried again when it is uploaded again", async () => {
    const bytes = (await detailed().jpeg({ quality: 77 }).toBuffer()).subarray(0, 1_400);
    const { asset } = await convert(bytes);
    const jobs = async () => (await media.jobs()).filter(job => job === `image.convert asset:${asset.id}`);
    expect(await jobs()).toHaveLength(1);
    const again = await media.upload(bytes);
    expect(again).toEqual({ id: asset.id, status: "processing", created: false });
    expect(await jobs()).toHaveLength(2);
    await media.upload(bytes);
    expect(await jobs()).toHaveLength(2);
    // Its job is in the dead letters, say.
    await media.sql`UPDATE media.asset SET updated_at = now() - interval '11 minutes' WHERE id = ${asset.id}`;
    await media.upload(bytes);
    expect(await jobs()).toHaveLength(3);
  });
});

describe("the conversion", () => {
  const bytes = (seed: number) =>
    redAndBlue(60 + seed, 40)
      .png()
      .toBuffer();

  test("of a decoder that hangs is tried again once, then the picture is to blame", async () => {
    const { id } = await media.upload(await bytes(1));
    const decoder = join(media.dir, "hangs.ts");
    await writeFile(decoder, "while (true);");
    const conversion = { ...media, decoder, deadlineMs: 300 };
    const error = await convertAsset(conversion, origin, id, first).catch(thrown => thrown);
    expect(error).toBeInstanceOf(DecoderCrash);
    expect((await media.asset(id)).status).toBe("processing");
    const second = await convertAsset(conversion, origin, id, { attempt: 2 });
    expect(second).toMatchObject({
      type: "failed",
      refusal: { code: "decoder_crashed" },
      detail: "the decoder was killed after 300 ms",
    });
    expect((await media.asset(id)).error?.code).toBe("decoder_crashed");
  });

  test("that was aborted blames nobody", async () => {
    const { id } = await media.upload(await bytes(2));
    const aborted = convertAsset(media, origin, id, { attempt: 2, signal: AbortSignal.abort() });
    expect(await aborted.catch(thrown => thrown)).toBeInstanceOf(DecoderCrash);
    expect((await media.asset(id)).status).toBe("processing");
  });

  test("run twice at once makes the asset ready once; run again does nothing", async () => {
    const { id } = await media.upload(await bytes(3));
    const results = await Promise.all([1, 2].map(() => convertAsset(media, origin, id, first)));
    expect(results.map(result => result.type).sort()).toEqual(["ready", "settled"]);
    const attached = async () =>
      (await media.jobs()).filter(job => job === `catalog.attach_media asset:${id}`);
    // Once when it can be shown, and once when it has everything.
    expect(await attached()).toHaveLength(2);
    const asset = await media.asset(id);
    expect(await convertAsset({ ...media, decoder: "/nowhere" }, origin, id, first)).toEqual({
      type: "settled",
    });
    expect(await media.asset(id)).toEqual(asset);
    expect(asset.variants).toHaveLength(9);
    expect((await convertAsset(media, origin, "asset_unknown", first)).type).toBe("settled");
  });

  test("shows each variant as soon as it is made, and cleans up behind a decoder that dies half-way", async () => {
    const { id } = await media.upload(await bytes(4));
    const decoder = join(media.dir, "half.ts");
    const program = (await Bun.file(join(import.meta.dir, "decoder-process.ts")).text())
      .replaceAll('"./', `"${import.meta.dir}/`)
      .replace("await say(message);", "{ await say(message); process.exit(9); }");
    await writeFile(decoder, program);
    const half = convertAsset({ ...media, decoder }, origin, id, first);
    expect(await half.catch(thrown => thrown)).toBeInstanceOf(DecoderCrash);
    const asset = await media.asset(id);
    expect([asset.status, asset.variants.length]).toEqual(["processing", 3]);
    expect((await look(media, asset.variants[0]!)).at(0.2, 0.5)).toBe("red");
    expect(await readdir(join(media.dir, ".staging"))).toEqual([]);
    expect((await convertAsset(media, origin, id, { attempt: 2 })).type).toBe("ready");
    expect((await media.asset(id)).variants).toHaveLength(9);
  });

  test("throws when the original is missing, for that is not the picture's fault", async () => {
    const { id } = await media.upload(await bytes(5));
    await media.storage.remove(originalKey((await media.asset(id)).sha256));
    expect(convertAsset(media, origin, id, { attempt: 2 })).rejects.toThrow("not in storage");
  });
});
