/** Files made to hurt: each ends in an asset with a reason or a clean picture, and leaves no file and no process. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { convertAsset } from "./index.ts";
import { gifOf, lookAtAll, origin, redAndBlue, type Setup, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

async function convert(bytes: Uint8Array) {
  const { id } = await media.upload(bytes);
  const result = await convertAsset(media, origin, id, { attempt: 1 });
  expect(await readdir(join(media.dir, ".staging"))).toEqual([]);
  return { result, asset: await media.asset(id) };
}

const png = () => redAndBlue(60, 40).png().toBuffer();
const jpeg = () => redAndBlue(60, 40).jpeg().toBuffer();

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(data.length);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(Bun.hash.crc32(body));
  return Buffer.concat([frame, body, crc]);
}

/** Behind the header, which is 33 bytes long. */
const withChunk = (picture: Buffer, chunk: Buffer) =>
  Buffer.concat([picture.subarray(0, 33), chunk, picture.subarray(33)]);

/** 200 MB of zeros in 200 KB. */
const bomb = () => deflateSync(Buffer.alloc(200_000_000), { level: 6 });

const SCRIPT = "<script>alert(document.domain)</script>";

const polyglots: Record<string, () => Promise<Buffer>> = {
  "a JPEG that is a ZIP archive too": async () =>
    Buffer.concat([await jpeg(), Buffer.from(`PK\x03\x04${SCRIPT}PK\x05\x06${"\0".repeat(18)}`, "latin1")]),
  "a PNG with a page behind its end": async () => Buffer.concat([await png(), Buffer.from(SCRIPT)]),
  "a PNG with a page in its texts": async () =>
    withChunk(await png(), pngChunk("tEXt", Buffer.from(`Comment\0${SCRIPT}`))),
  "a GIF that is a script too": async () => {
    const gif = await redAndBlue(60, 40).gif().toBuffer();
    return Buffer.concat([gif, Buffer.from(`/*${SCRIPT}*/=1;`)]);
  },
  "a JPEG with a page in its EXIF": async () =>
    redAndBlue(60, 40)
      .withExif({ IFD0: { ImageDescription: SCRIPT } })
      .jpeg()
      .toBuffer(),
};

describe("a polyglot", () => {
  test.each(Object.keys(polyglots))("(%s) is a picture, and nothing else of it is left", async name => {
    const bytes = await polyglots[name]!();
    expect(bytes.includes(SCRIPT)).toBe(true);
    const { asset } = await convert(bytes);
    expect(asset.status).toBe("ready");
    for (const { variant, at } of await lookAtAll(media, asset)) {
      expect((await media.fileOf(variant)).includes("<script")).toBe(false);
      expect([at(0.2, 0.5), at(0.8, 0.5)]).toEqual(["red", "blue"]);
    }
  });
});

describe("a bomb", () => {
  test("in the texts or the profile of a PNG is not unpacked", async () => {
    const text = pngChunk("zTXt", Buffer.concat([Buffer.from("Comment\0\0"), bomb()]));
    expect((await convert(withChunk(await png(), text))).asset.status).toBe("ready");
    const profile = pngChunk("iCCP", Buffer.concat([Buffer.from("profile\0\0"), bomb()]));
    expect((await convert(withChunk(await png(), profile))).asset.status).toMatch(/^(ready|failed)$/);
  });

  test("of pixels behind a small header is held to the header", async () => {
    const head = await png();
    const end = head.indexOf("IDAT") - 4;
    const bytes = Buffer.concat([
      head.subarray(0, end),
      pngChunk("IDAT", bomb()),
      pngChunk("IEND", Buffer.alloc(0)),
    ]);
    expect((await convert(bytes)).asset.status).toMatch(/^(ready|failed)$/);
  });

  test("of 30,000 frames is refused by their number", async () => {
    const { asset } = await convert(gifOf(10, 10, 30_000));
    expect(asset.error).toMatchObject({ code: "too_many_frames" });
    expect(asset.error?.message).toContain("30000");
  });
});

test("a PNG that is 65,536 pixels wide is scaled down like any other", async () => {
  const bytes = await sharp({ create: { width: 65_536, height: 40, channels: 3, background: "#c02020" } })
    .png()
    .toBuffer();
  const { asset } = await convert(bytes);
  expect([asset.status, asset.width, asset.height]).toEqual(["ready", 65_536, 40]);
  expect(Math.max(...asset.variants.map(one => one.width))).toBe(1_920);
});

test("a TIFF whose directories go round in a circle comes to an end", async () => {
  const bytes = await redAndBlue(60, 40).tiff({ compression: "none" }).toBuffer();
  const directory = bytes.readUInt32LE(4);
  const next = directory + 2 + bytes.readUInt16LE(directory) * 12;
  bytes.writeUInt32LE(directory, next);
  expect((await convert(bytes)).asset.status).toMatch(/^(ready|failed)$/);
});
