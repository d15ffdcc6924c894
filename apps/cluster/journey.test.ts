/** The main job on a real catalog, end to end. Left out with a word where the folder with the catalog is missing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { until } from "../../platform/testing/index.ts";
import { buy, findBySearch, importCatalog, mailTo, uploadPicture } from "./first-light/steps.ts";
import { root } from "./install.ts";
import { startStack, type TestStack } from "./testing.ts";

const data = resolve(root, "../shared/data");
const hasData = existsSync(join(data, "catalog.csv"));
if (!hasData) console.log(`left out: the journey on a real catalog, ${data} is missing`);

type Page<T> = { items: T[] };
type Found = Page<{ id: string; handle: string }> & { engine: string; total: number };
type Pools = { pools: { kinds: { kind: string; waiting: number; running: number; delayed: number }[] }[] };

describe.skipIf(!hasData)("with the real catalog", () => {
  let cluster: TestStack;
  beforeAll(async () => {
    cluster = await startStack({ TRADEWIND_DEMO: "on" });
  }, 60_000);
  afterAll(() => cluster.stop());

  test("the catalog is imported, found with a typo, bought and confirmed by mail; the pictures become ready", async () => {
    const { api } = cluster;
    const imported = await importCatalog(api, join(data, "catalog.csv"));
    expect(imported).toMatchObject({ products: 194, variants: 259, errors: [] });

    const found = await until(
      async () => {
        const answer = await api.store<Found>("GET", "/store/search?q=mascarra");
        const isFirst = answer.items[0]?.handle === "essence-mascara-lash-princess";
        return isFirst && answer.engine === "meilisearch" && answer;
      },
      { timeoutMs: 30_000, what: "the mascara, found by Meilisearch" },
    );

    const photos = readdirSync(join(data, "photos")).map(name => join(data, "photos", name));
    expect(photos).toHaveLength(8);
    const assets = await Promise.all(photos.map(path => uploadPicture(api, path, found.items[0]!.id)));
    expect(assets.map(asset => asset.status)).toEqual(photos.map(() => "ready"));

    type Detail = {
      id: string;
      title: string;
      images: { assetId: string }[];
      variants: { id: string; available: number }[];
    };
    const shown = await until(
      async () => {
        const product = await api.store<Detail>("GET", `/store/products/${found.items[0]!.id}`);
        return product.images.filter(image => image.assetId).length === 8 && product;
      },
      { what: "eight pictures of the product" },
    );
    const before = shown.variants[0]!.available;
    const order = await buy(api, shown, "ada@journey.example");
    expect(order).toMatchObject({ status: "placed" });
    await mailTo(api, "ada@journey.example");
    // What is shown of stock is two seconds old at most.
    const sold = async () =>
      (await api.store<Detail>("GET", `/store/products/${shown.id}`)).variants[0]!.available === before - 1;
    await until(sold, { what: "the stock without what was sold" });
    await findBySearch(api, shown, "meilisearch");
  }, 240_000);

  test("in the end all queues are empty and there is no dead letter", async () => {
    const { api } = cluster;
    const left = await until(
      async () => {
        const { pools } = await api.ops<Pools>("/ops/pools");
        const kinds = pools.flatMap(pool => pool.kinds);
        return kinds.every(kind => kind.waiting + kind.running + kind.delayed === 0) && kinds;
      },
      { timeoutMs: 90_000, what: "empty queues" },
    );
    expect(left.length).toBeGreaterThan(7);
    expect(await api.ops<Page<unknown>>("/ops/dead")).toMatchObject({ items: [] });
  }, 120_000);
});
