/** For tests: products in bulk, and the jobs of the read model run here and now. */
import type { Db } from "../../platform/postgres/index.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { upsertProducts } from "../catalog/index.ts";
import { setPrices } from "../pricing/index.ts";
import { countSales, rankPopularity, regroup, restock, showPopularity, summarise } from "./index.ts";

type OutboxJob = { kind: string; storeId: string; payload: Record<string, string | string[]> };

/** Runs what waits in the outbox for the read model, and what follows from it, until nothing is left. */
export async function settle(sql: Db): Promise<void> {
  for (;;) {
    const jobs = await sql<OutboxJob[]>`
      DELETE FROM bus.outbox
      WHERE kind IN ('catalog.summarise', 'catalog.restock', 'catalog.regroup', 'catalog.count_sale')
      RETURNING kind, store_id AS "storeId", payload`;
    if (jobs.length === 0) break;
    for (const [storeId, group] of Map.groupBy(jobs, job => job.storeId)) await runAll(sql, storeId, group);
  }
  await showPopularity(sql);
  await rankPopularity(sql);
}

async function runAll(sql: Db, storeId: string, jobs: readonly OutboxJob[]): Promise<void> {
  const of = (kind: string) =>
    jobs.filter(job => job.kind === kind).flatMap(job => Object.values(job.payload)[0]!);
  for (const groupId of of("catalog.regroup")) await regroup(sql, { storeId }, groupId);
  await countSales(sql, storeId, of("catalog.count_sale"));
  await summarise(sql, { storeId }, of("catalog.summarise"));
  await restock(sql, { storeId }, of("catalog.restock"));
}

const BATCH = 500;

/** Active products with one variant and a price each; every `each`-th is in category `even` and tagged `gift`. */
export async function seedProducts(sql: Db, storeId: string, count: number, each = 2): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const inputs = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i).map(n => ({
      ref: n,
      handle: `p-${n}`,
      title: `Product ${(n * 7_919) % count}`,
      status: "active" as const,
      vendor: `Vendor ${n % 10}`,
      tags: n % each === 0 ? ["gift"] : [],
      categories: n % each === 0 ? [{ handle: "even", title: "Even" }] : [],
      variants: [{ ref: n, optionValues: [], sku: `S-${n}` }],
    }));
    await transaction(sql, async tx => {
      const { products, variants } = await upsertProducts(tx, storeId, inputs);
      ids.push(...products.map(product => product.id));
      const prices = variants.map(({ ref, variantId, productId }) => {
        return { variantId, productId, amountMinor: 100 + ((ref * 104_729) % 10_000), compareAtMinor: null };
      });
      await setPrices(tx, storeId, "EUR", prices);
    });
  }
  return ids;
}
