/** Merchants' files: catalogs (some with a bad row) and pictures (some broken, some the same bytes once more). */
import sharp from "sharp";
import { GaveUp, persist } from "./client.ts";
import { adminHeaders, type LoadContext } from "./context.ts";
import type { Source } from "./pace.ts";
import { csv, row } from "./shop.ts";

const PRODUCTS = 25;

/** An import that was not answered is sent again: stock is set where a level is created, so twice is the same as once. */
export function imports(context: LoadContext, perSecond: number): Source {
  return {
    name: "imports",
    perSecond,
    most: 10,
    async run(index) {
      const name = `import-${index}`;
      const hasBadRow = index % 3 === 2;
      const handles = Array.from({ length: PRODUCTS }, (_, i) => `${name}-${i}`);
      const item = context.journal.open("import", name, { handles, hasBadRow });
      const rows = handles.map((handle, i) => row(handle, i + 1));
      if (hasBadRow) rows.push(row(`${name}-bad`, 1).replace("10.00", "ten"));
      await upload(context, item, "/admin/imports", new Blob([csv(rows)]), `${name}.csv`);
    },
  };
}

export function pictures(context: LoadContext, perSecond: number): Source {
  const made: Buffer[] = [];
  return {
    name: "pictures",
    perSecond,
    most: 10,
    async run(index) {
      const isAgain = index % 5 === 4 && made.length > 0;
      const isBroken = index % 5 === 2;
      const bytes = isAgain ? context.random.pick(made) : await picture(index);
      if (!isAgain && !isBroken) made.push(bytes);
      const sent = isBroken ? bytes.subarray(0, bytes.length >> 1) : bytes;
      const item = context.journal.open("picture", `picture-${index}`, { isBroken, hash: Bun.hash(sent) });
      await upload(context, item, "/admin/media", new Blob([new Uint8Array(sent)]), `${index}.jpg`);
    },
  };
}

type UploadItem = ReturnType<LoadContext["journal"]["open"]>;

async function upload(
  context: LoadContext,
  item: UploadItem,
  path: string,
  file: Blob,
  name: string,
): Promise<void> {
  const form = new FormData();
  form.set("file", file, name);
  const call = { method: "POST", path, headers: adminHeaders(context), body: form };
  try {
    item.answer = await persist(item, context.origin, call);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
  }
}

/** Different for each index and run: noise, so that no two are the same bytes. */
function picture(index: number): Promise<Buffer> {
  const background = { r: index % 256, g: (index * 7) % 256, b: 128 };
  const noise = { type: "gaussian" as const, mean: 128, sigma: 30 };
  return sharp({ create: { width: 320, height: 240, channels: 3, background, noise } })
    .jpeg()
    .toBuffer();
}
