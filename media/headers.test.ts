import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import { dimensionsOf } from "./dimensions.ts";
import { type InputFormat, SNIFF_BYTES, sniff, strangerOf } from "./sniff.ts";

const picture = () =>
  sharp({ create: { width: 37, height: 21, channels: 4, background: { r: 200, g: 30, b: 30, alpha: 0.5 } } });

const encoders: Record<string, () => Promise<Buffer>> = {
  "jpeg (baseline)": () => picture().jpeg().toBuffer(),
  "jpeg (progressive, with EXIF and ICC)": () =>
    picture().withMetadata({ orientation: 6 }).jpeg({ progressive: true }).toBuffer(),
  png: () => picture().png().toBuffer(),
  "png (palette)": () => picture().png({ palette: true }).toBuffer(),
  gif: () => picture().gif().toBuffer(),
  "webp (lossy)": () => picture().removeAlpha().webp().toBuffer(),
  "webp (lossless)": () => picture().webp({ lossless: true }).toBuffer(),
  "webp (extended)": () => picture().webp().toBuffer(),
  avif: () => picture().avif({ effort: 0 }).toBuffer(),
  "tiff (little endian)": () => picture().tiff().toBuffer(),
};

const formatOf = (name: string) => name.split(" ")[0] as InputFormat;

test.each([
  "<svg xmlns='http://www.w3.org/2000/svg'/>",
  "\ufeff  <?xml version='1.0'?>\n<!-- a > b --><svg>",
  `<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/svg11.dtd"><svg\n width="1">`,
])("%p is taken for a drawing", text => {
  expect(sniff(Buffer.from(text))).toBe("svg");
});

describe("the headers of a picture", () => {
  test.each(Object.keys(encoders))("tell format and dimensions of %s", async name => {
    const bytes = await encoders[name]!();
    expect(sniff(bytes.subarray(0, SNIFF_BYTES))).toBe(formatOf(name));
    expect(await dimensionsOf(formatOf(name), new Blob([bytes]))).toEqual({ width: 37, height: 21 });
  });

  test.each(Object.keys(encoders))("of %s may be cut or scrambled anywhere without harm", async name => {
    const whole = await encoders[name]!();
    const format = formatOf(name);
    const damage = fc.record({ length: fc.nat(whole.length), at: fc.nat(200), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(damage, async ({ length, at, value }) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        if (at < bytes.length) bytes[at] = value;
        const found = await dimensionsOf(format, new Blob([bytes]));
        expect(found === null || (found.width > 0 && found.height > 0)).toBe(true);
        sniff(bytes.subarray(0, SNIFF_BYTES));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ["a Windows program", "MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff"],
    ["a Linux program", "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0"],
    ["a script", "#!/bin/sh\necho hello\n"],
    ["an XML or HTML document", "<html><svg xmlns='http://www.w3.org/2000/svg'/></html>"],
    ["an XML or HTML document", "<?xml version='1.0'?><rss><svg/></rss>"],
    ["an XML or HTML document", "<svgx xmlns='http://www.w3.org/2000/svg'/>"],
    ["a ZIP archive", "PK\x03\x04 and so on and so on"],
    ["HEIC or a video; export it as JPEG", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
    [undefined, "just some text that is long enough"],
    [undefined, "\xff\xd8"],
  ])("show %p to be no picture", (what, text) => {
    const head = Buffer.from(text, "latin1");
    expect(sniff(head)).toBeNull();
    expect(strangerOf(head)).toBe(what);
  });
});
