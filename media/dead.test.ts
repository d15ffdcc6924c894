import { afterAll, beforeAll, expect, test } from "bun:test";
import { imageConvert } from "../bus/index.ts";
import { convertAsset, failDeadConversions } from "./index.ts";
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
