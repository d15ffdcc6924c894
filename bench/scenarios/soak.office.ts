/** The back office during a soak: pictures are uploaded and product files imported at fixed times, and counted at the end. */
import { demoPicture } from "../../commerce/demo/index.ts";
import type { BenchCluster } from "../cluster.ts";
import type { BenchShop } from "../shop.ts";

const PICTURE_EVERY_MS = 3_000;
const FILE_EVERY_MS = 15_000;
const ROWS = 100;

export function openBackOffice({ port, sql }: BenchCluster, shop: BenchShop) {
  const sent = { pictures: 0, files: 0 };
  const send = async (path: string, bytes: Blob, name: string) => {
    const form = new FormData();
    form.append("file", bytes, name);
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${shop.secretKey}` },
      body: form,
    });
    if (answer.status !== 202) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    await answer.body?.cancel();
  };
  const sendPicture = async (photo: Uint8Array<ArrayBuffer>) => {
    const n = sent.pictures++;
    // Bytes behind the end of a JPEG make it another file and the same picture.
    await send("/admin/media", new Blob([photo, `${n}`], { type: "image/jpeg" }), `picture-${n}.jpg`);
  };
  const sendFile = () => {
    const n = sent.files++;
    return send("/admin/imports", new Blob([productFile(n)], { type: "text/csv" }), `products-${n}.csv`);
  };
  return {
    async work(seconds: number): Promise<void> {
      const photo = await Bun.file(demoPicture).bytes();
      await Promise.all([
        every(PICTURE_EVERY_MS, seconds, () => sendPicture(photo)),
        every(FILE_EVERY_MS, seconds, sendFile),
      ]);
    },
    async count() {
      const [row] = await sql<{ ready: number; done: number; stored: number }[]>`
        SELECT (SELECT count(*)::int FROM media.asset WHERE store_id = ${shop.storeId} AND status = 'ready') AS ready,
               (SELECT count(*)::int FROM imports.import
                WHERE store_id = ${shop.storeId} AND status = 'done' AND rows = ${ROWS}) AS done,
               (SELECT count(*)::int FROM catalog.product
                WHERE store_id = ${shop.storeId} AND handle LIKE 'soak-%') AS stored`;
      const { ready, done, stored } = row!;
      return {
        pictures: { sent: sent.pictures, ready },
        files: { sent: sent.files, done, products: sent.files * ROWS, stored },
      };
    },
  };
}

/** At intended times from now on, one at a time. */
async function every(gapMs: number, seconds: number, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  for (let atMs = 0; atMs < seconds * 1_000; atMs += gapMs) {
    await Bun.sleep(Math.max(0, startedAt + atMs - performance.now()));
    await work();
  }
}

function productFile(n: number): string {
  const head = "Handle,Title,Vendor,Published,Variant SKU,Variant Inventory Qty,Variant Price,Status";
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const id = `soak-${n}-${i}`;
    return `${id},Soaked ${n} ${i},Bench,true,${id},10,9.50,active`;
  });
  return [head, ...rows].join("\n");
}
