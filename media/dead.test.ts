import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { imageConvert } from "../bus/index.ts";
import { convertAsset, DecoderCrash, failDeadConversions } from "./index.ts";
import { origin, redAndBlue, type Setup, STORE, setup } from "./testing.ts";

let media: Setup;
beforeAll(async () => {
  media = await setup();
});
afterAll(() => media.close());

const upload = async (width: number) => (await media.upload(await redAndBlue(width, 20).png().toBuffer())).id;

/** As the projection writes it. */
async function die(assetId: string): Promise<void> {
  await media.sql`
    INSERT INTO bus.dead (id, kind, version, store_id, key, payload, reason, error, fingerprint, attempts, traceparent, died_at)
    VALUES (${crypto.randomUUID()}, ${imageConvert.kind}, 1, ${STORE}, ${`asset:${assetId}`}, ${media.sql.json({ assetId })},
      'killed_worker', 'killed', 'f', 2, '', now())`;
}

test("an asset whose conversion is dead fails with a reason; its neighbours go on waiting", async () => {
  const [dead, waiting] = [await upload(50), await upload(51)];
  await die(dead);
  expect(await failDeadConversions(media.sql)).toBe(1);
  expect(await failDeadConversions(media.sql)).toBe(0);
  const asset = await media.asset(dead);
  expect([asset.status, asset.error?.code]).toEqual(["failed", "conversion_died"]);
  expect(asset.error?.message).toContain("Upload it again");
  expect((await media.asset(waiting)).status).toBe("processing");
});

test("a replayed letter takes the asset up again", async () => {
  const id = await upload(52);
  await die(id);
  await failDeadConversions(media.sql);
  expect(await convertAsset(media, origin, id, { attempt: 1 })).toEqual({ type: "ready" });
  expect(await media.asset(id)).toMatchObject({ status: "ready", error: null });
});

test("a letter from before the last upload fails nothing", async () => {
  const id = await upload(53);
  await die(id);
  await failDeadConversions(media.sql);
  expect(await upload(53)).toBe(id);
  expect(await failDeadConversions(media.sql)).toBe(0);
  expect((await media.asset(id)).status).toBe("processing");
});

test("an asset that can be shown stays as it is, with the reason why there is no more", async () => {
  const id = await upload(54);
  // Says what it looks like after its first files, and dies.
  const decoder = join(media.dir, "half.ts");
  const look = { width: 54, height: 20, animated: false, placeholder: "", colour: "#000000" };
  await Bun.write(
    decoder,
    `console.log(${JSON.stringify(JSON.stringify({ type: "visible", look }))}); process.exit(1);`,
  );
  const half = convertAsset({ ...media, decoder }, origin, id, { attempt: 1 });
  expect(await half.catch(error => error)).toBeInstanceOf(DecoderCrash);
  expect(await media.asset(id)).toMatchObject({ status: "ready", complete: false });
  await die(id);
  expect(await failDeadConversions(media.sql)).toBe(1);
  expect(await failDeadConversions(media.sql)).toBe(0);
  expect(await media.asset(id)).toMatchObject({
    status: "ready",
    complete: true,
    error: { code: "conversion_died" },
  });
  // The operator replays the letter.
  expect(await convertAsset(media, origin, id, { attempt: 1 })).toEqual({ type: "ready" });
  expect(await media.asset(id)).toMatchObject({ status: "ready", complete: true, error: null });
  expect((await media.asset(id)).variants.length).toBeGreaterThanOrEqual(9);
});
