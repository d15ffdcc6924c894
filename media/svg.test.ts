import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { convertAsset } from "./index.ts";
import { lookAtAll, origin, redAndBlue, type Setup, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

const NS = `xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`;
const halves = `<rect width="5" height="10" fill="#dc1414"/><rect x="5" width="5" height="10" fill="#1414dc"/>`;

async function convert(text: string) {
  const { id } = await media.upload(Buffer.from(text));
  await convertAsset(media, origin, id, { attempt: 1 });
  return media.asset(id);
}

describe("a drawing", () => {
  test("is drawn in every size, however small it says it is, and never served as it came", async () => {
    const asset = await convert(`<?xml version="1.0"?><svg ${NS} viewBox="0 0 10 10">${halves}
      <script>alert(1)</script><foreignObject><body onload="alert(1)"/></foreignObject></svg>`);
    expect([asset.status, asset.format, asset.width, asset.height]).toEqual(["ready", "svg", 1920, 1920]);
    for (const { variant, at } of await lookAtAll(media, asset)) {
      expect(variant.width).toBe(Number(variant.name));
      expect([at(0.2, 0.5), at(0.8, 0.5)]).toEqual(["red", "blue"]);
      expect((await media.fileOf(variant)).includes("alert")).toBe(false);
    }
  });

  test("with an empty ground is transparent", async () => {
    const asset = await convert(`<svg ${NS} width="40" height="20"><circle cx="9" cy="9" r="5"/></svg>`);
    expect(new Set(asset.variants.map(one => one.format))).toEqual(new Set(["webp", "avif", "png"]));
    expect([asset.width, asset.height]).toEqual([1920, 960]);
  });

  test("shows nothing of the files and hosts that it names", async () => {
    const secret = join(media.dir, "secret.png");
    await writeFile(secret, await redAndBlue(50, 50).png().toBuffer());
    let asked = 0;
    const host = Bun.serve({ port: 0, fetch: () => new Response(String(asked++)) });
    const references = [`file://${secret}`, secret, "../secret.png", `http://localhost:${host.port}/x.png`];
    const images = references.map(
      one => `<image xlink:href="${one}" href="${one}" width="10" height="10"/><use href="${one}#a"/>`,
    );
    const style = `<style>@import url(http://localhost:${host.port}/x.css);</style>`;
    const asset = await convert(
      `<svg ${NS} viewBox="0 0 10 10">${style}<rect width="10" height="10" fill="#0a0"/>${images.join("")}</svg>`,
    );
    await host.stop(true);
    expect(asset.status).toBe("ready");
    expect(asset.colour).toBe("#00aa00");
    expect(asked).toBe(0);
  });

  const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join(
    "",
  );
  const unsafe: Record<string, string> = {
    "a billion laughs": `<!DOCTYPE svg [<!ENTITY l0 "lol">${laughs}]><svg ${NS}><text>&l9;</text></svg>`,
    "an entity out of a file": `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg ${NS}><text>&x;</text></svg>`,
    "50,000 levels": `<svg ${NS}>${"<g>".repeat(50_000)}${"</g>".repeat(50_000)}</svg>`,
    "another encoding": `<?xml version="1.0" encoding="UTF-7"?><svg ${NS}>+ADwAIQ-ENTITY</svg>`,
  };
  test.each(Object.keys(unsafe))("with %s is refused with a reason", async name => {
    const asset = await convert(unsafe[name]!);
    expect([asset.status, asset.error?.code, asset.variants]).toEqual(["failed", "unsafe_drawing", []]);
  });

  const hard: Record<string, string> = {
    // Of the size that is taken, and without an end for whoever looks for one from each of them.
    "of comments that never end": `<svg ${NS}>${"<!--".repeat(490_000)}`,
    "of types that never end": `<svg ${NS}>${"<!DOCTYPE ".repeat(190_000)}`,
    "of tags that never end": `<svg ${NS}>${'<a "'.repeat(490_000)}`,
    "that is cut off": `<svg ${NS} viewBox="0 0 10 10">${halves}`,
    "that uses itself": `<svg ${NS} width="9" height="9"><g id="a"><use href="#a"/><use href="#a"/></g></svg>`,
    "that doubles itself thirty times": `<svg ${NS} width="9" height="9"><g id="g0"><rect width="1" height="1"/></g>${Array.from(
      { length: 30 },
      (_, i) => `<g id="g${i + 1}"><use href="#g${i}"/><use href="#g${i}"/></g>`,
    ).join("")}</svg>`,
    "of a million million pixels": `<svg ${NS} width="1000000" height="1000000">${halves}</svg>`,
  };
  test.each(Object.keys(hard))("%s comes to an end, one way or the other", async name => {
    const asset = await convert(hard[name]!);
    expect(asset.status).toMatch(/^(ready|failed)$/);
    if (asset.status === "failed") expect(asset.error!.message.length).toBeGreaterThan(10);
  });
});
