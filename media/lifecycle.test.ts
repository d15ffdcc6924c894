/** When files come and go, whatever runs at once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transaction } from "../platform/postgres/index.ts";
import type { Storage } from "../platform/storage/index.ts";
import { claimFiles, dropFiles, findOrphans } from "./files.ts";
import { collectFiles, convertAsset, deleteAsset, retryAsset } from "./index.ts";
import { originalKey } from "./plan.ts";
import { origin, redAndBlue, type Setup, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

const author = { ...origin, actor: "key_test" };
const first = { attempt: 1 };
let width = 100;
const picture = () => redAndBlue(width++, 40).png().toBuffer();

async function keys(): Promise<string[]> {
  return (await Array.fromAsync(media.storage.list()))
    .map(entry => entry.key)
    .filter(key => key.includes("/"))
    .sort();
}

async function ready(bytes?: Uint8Array) {
  const { id } = await media.upload(bytes ?? (await picture()));
  await convertAsset(media, origin, id, first);
  return media.asset(id);
}

/** A decoder that does as told behind its first message of a kind. */
async function decoderThat(does: string, after: string): Promise<string> {
  const path = join(media.dir, `${crypto.randomUUID()}.ts`);
  const source = await Bun.file(join(import.meta.dir, "decoder-process.ts")).text();
  const say = `{ await say(message); if (message.type === "${after}") { ${does} } }`;
  await writeFile(path, source.replaceAll('"./', `"${import.meta.dir}/`).replace("await say(message);", say));
  return path;
}

describe("a picture", () => {
  test("can be shown with its WebP variants, before the others are made", async () => {
    const { id } = await media.upload(await picture());
    const decoder = await decoderThat("process.exit(9);", "visible");
    await convertAsset({ ...media, decoder }, origin, id, first).catch(() => {});
    const shown = await media.asset(id);
    expect([shown.status, shown.complete, shown.placeholder !== null]).toEqual(["ready", false, true]);
    expect(shown.variants.map(one => one.format)).toEqual(["webp", "webp", "webp"]);
    expect((await media.jobs()).filter(job => job === `catalog.attach_media asset:${id}`)).toHaveLength(1);
    expect((await convertAsset(media, origin, id, { attempt: 2 })).type).toBe("ready");
    const whole = await media.asset(id);
    expect([whole.status, whole.complete, whole.variants.length]).toEqual(["ready", true, 9]);
  });

  test("stays as it is when its decoder dies again, with the reason, and can be tried again", async () => {
    const { id } = await media.upload(await picture());
    const conversion = { ...media, decoder: await decoderThat("process.exit(9);", "visible") };
    expect((await convertAsset(conversion, origin, id, { attempt: 2 })).type).toBe("failed");
    const kept = await media.asset(id);
    expect([kept.status, kept.complete, kept.error?.code]).toEqual(["ready", true, "decoder_crashed"]);
    expect(kept.variants).toHaveLength(3);
    expect(await retryAsset(media.sql, author, id)).toBe("restarted");
    expect((await convertAsset(media, origin, id, first)).type).toBe("ready");
    expect(await media.asset(id)).toMatchObject({ status: "ready", complete: true, error: null });
    expect(await retryAsset(media.sql, author, id)).toBe("not_failed");
    expect(await retryAsset(media.sql, author, "asset_unknown")).toBe("not_found");
  });

  test("that failed is processing again after a retry, with one more job", async () => {
    const { id } = await media.upload((await picture()).subarray(0, 120));
    await convertAsset(media, origin, id, first);
    expect((await media.asset(id)).status).toBe("failed");
    expect(await retryAsset(media.sql, author, id)).toBe("restarted");
    expect(await media.asset(id)).toMatchObject({ status: "processing", error: null });
    expect((await media.jobs()).filter(job => job === `image.convert asset:${id}`)).toHaveLength(2);
  });
});

describe("deleting a picture", () => {
  test("removes its original and every variant, and tells who shows it", async () => {
    const before = await keys();
    const asset = await ready();
    expect((await keys()).length).toBeGreaterThan(before.length);
    const told = () =>
      media.jobs().then(jobs => jobs.filter(job => job === `catalog.attach_media asset:${asset.id}`));
    expect(await told()).toHaveLength(2);
    expect(await deleteAsset(media, author, asset.id)).toBe(true);
    expect(await keys()).toEqual(before);
    expect(await told()).toHaveLength(3);
    expect(await deleteAsset(media, author, asset.id)).toBe(false);
    const [entry] =
      await media.sql`SELECT action FROM audit.entry WHERE entity_id = ${asset.id} AND action = 'delete'`;
    expect(entry).toBeDefined();
  });

  test("leaves the files that another store's picture of the same bytes needs", async () => {
    const bytes = await picture();
    const asset = await ready(bytes);
    await media.sql`
      INSERT INTO media.asset (id, store_id, sha256, status, format, bytes)
      SELECT 'asset_other000001', 'store_other', sha256, 'ready', format, bytes FROM media.asset WHERE id = ${asset.id}`;
    await media.sql`
      INSERT INTO media.variant SELECT 'store_other', 'asset_other000001', name, format, ordinal, width, height, bytes, animated, storage_key
      FROM media.variant WHERE asset_id = ${asset.id}`;
    const before = await keys();
    await deleteAsset(media, author, asset.id);
    expect(await keys()).toEqual(before);
  });

  test("in the middle of its conversion leaves nothing behind", async () => {
    const before = await keys();
    const { id } = await media.upload(await picture());
    const running = convertAsset(
      { ...media, decoder: await decoderThat("await Bun.sleep(300);", "visible") },
      origin,
      id,
      first,
    );
    while ((await media.asset(id)).status !== "ready") await Bun.sleep(5);
    await deleteAsset(media, author, id);
    expect(await running).toEqual({ type: "settled" });
    await collectFiles(media.sql, media.storage);
    expect(await keys()).toEqual(before);
  });
});

describe("the collector", () => {
  const put = async (key: string) => {
    const staged = await media.storage.stage(new Blob([key]).stream(), { maxBytes: 100 });
    await staged.keep(key);
  };
  const due = (key: string) => media.sql`UPDATE media.file SET due = now() WHERE storage_key = ${key}`;

  test("lets what is claimed be until the claim ends", async () => {
    const key = originalKey("c".repeat(64));
    await claimFiles(media.sql, [key]);
    await put(key);
    await due(key);
    await collectFiles(media.sql, media.storage);
    expect(await media.storage.open(key)).not.toBeNull();
    await media.sql`UPDATE media.claim SET until = now() - interval '1 second' WHERE storage_key = ${key}`;
    await due(key);
    await collectFiles(media.sql, media.storage);
    expect(await media.storage.open(key)).toBeNull();
    expect(await media.sql`SELECT FROM media.claim WHERE storage_key = ${key}`).toHaveLength(0);
  });

  test("makes an upload of the same bytes wait, which then writes them anew", async () => {
    const asset = await ready();
    const bytes = Buffer.from(
      await (await media.storage.open(originalKey(asset.sha256)))!.blob.arrayBuffer(),
    );
    const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    // A store that takes its time to remove, so that the upload comes in between.
    const slow = Object.create(media.storage) as Storage;
    slow.remove = async key => {
      reached.resolve();
      await go.promise;
      return media.storage.remove(key);
    };
    const deleting = deleteAsset({ ...media, storage: slow }, author, asset.id);
    await reached.promise;
    const uploading = media.upload(bytes);
    const order = await Promise.race([uploading.then(() => "uploaded"), Bun.sleep(50).then(() => "waits")]);
    expect(order).toBe("waits");
    go.resolve();
    await deleting;
    const { id } = await uploading;
    expect(id).not.toBe(asset.id);
    expect((await convertAsset(media, origin, id, first)).type).toBe("ready");
    expect((await media.asset(id)).variants).toHaveLength(9);
  });

  test("never takes a file from a picture, whatever uploads and deletions of the same bytes run at once", async () => {
    const bytes = await picture();
    const round = async () => {
      const { id } = await media.upload(bytes);
      await convertAsset(media, origin, id, first).catch(() => {});
      if (Math.random() < 0.7) await deleteAsset(media, author, id);
    };
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let i = 0; i < 2; i++) await round();
      }),
    );
    const last = await ready(bytes);
    await media.sql`UPDATE media.file SET due = now()`;
    await collectFiles(media.sql, media.storage);
    const present = new Set(await keys());
    expect(present).toContain(originalKey(last.sha256));
    for (const variant of last.variants) expect((await media.fileOf(variant)).length).toBe(variant.bytes);
  });

  test("finds files that no row knows once they are old enough", async () => {
    const asset = await ready();
    const lost = originalKey("d".repeat(64));
    await put(lost);
    expect(await findOrphans(media.sql, media.storage, 60_000)).toBe(0);
    expect(await findOrphans(media.sql, media.storage, -1)).toBe(1);
    await collectFiles(media.sql, media.storage);
    expect(await media.storage.open(lost)).toBeNull();
    expect(await media.storage.open(originalKey(asset.sha256))).not.toBeNull();
  });

  test("tries again what storage could not remove", async () => {
    const key = originalKey("e".repeat(64));
    await put(key);
    await transaction(media.sql, tx => dropFiles(tx, [key]));
    const away = Object.create(media.storage) as Storage;
    away.remove = async () => {
      throw new Error("storage is away");
    };
    expect(collectFiles(media.sql, away)).rejects.toThrow("storage is away");
    await collectFiles(media.sql, away).catch(() => {});
    await collectFiles(media.sql, media.storage);
    expect(await media.storage.open(key)).toBeNull();
  });
});
