/**
 * Assets whose conversion ended in the dead letters. A picture that can't be used is refused by the conversion itself; this
 * is for what lies outside it: workers that were killed, a store of files that was away for too long. Such an asset becomes
 * `failed` with {@link CONVERSION_DIED}, so that the merchant does not wait for something that won't come. One that can be
 * shown stays `ready` with what it has, and with the same reason why there is no more.
 *
 * The letter is the operator's: when it is replayed, the new job finds the asset with this code and takes it up
 * again ({@link reopen}). The same heals the one race that there is: a letter that comes to light only after the same bytes
 * were uploaded again fails the asset although a job waits, and that job reopens it.
 */
import { imageConvert, openDeadOfKeys } from "../bus/index.ts";
import { type Db, type Sql, type Tx, transaction } from "../platform/postgres/index.ts";
import { dropFiles } from "./files.ts";
import type { Refusal } from "./model.ts";
import { markFailed } from "./store.ts";

export const CONVERSION_DIED = "conversion_died";

const refusal: Refusal = {
  code: CONVERSION_DIED,
  message:
    "The conversion was tried several times and never finished, which need not be the picture's fault. Upload it again, or ask the operator of this system.",
};

const PAGE = 500;

type Waiting = { id: string; storeId: string; edition: number; updatedAt: Date };

/** Gives the unfinished assets up that no job is left for; returns how many. Safe to run in several processes at once. */
export async function failDeadConversions(sql: Db): Promise<number> {
  let failed = 0;
  for (let last = ""; ; ) {
    const page = await sql<Waiting[]>`
      SELECT id, store_id AS "storeId", edition, updated_at AS "updatedAt" FROM media.asset
      WHERE NOT complete AND status <> 'failed' AND id > ${last} ORDER BY id LIMIT ${PAGE}`;
    for (const asset of await deadAmong(sql, page)) {
      if (await transaction(sql, tx => giveUp(tx, asset))) failed++;
    }
    if (page.length < PAGE) return failed;
    last = page.at(-1)!.id;
  }
}

async function giveUp(tx: Tx, asset: Waiting): Promise<boolean> {
  const keys = await markFailed(tx, asset, refusal);
  if (keys) await dropFiles(tx, keys);
  return keys !== null;
}

/** Those whose letter is younger than the last thing that happened to them. */
async function deadAmong(sql: Sql, assets: readonly Waiting[]): Promise<Waiting[]> {
  const keyOf = ({ id }: { id: string }) => imageConvert.key({ assetId: id });
  const letters = await openDeadOfKeys(sql, imageConvert.kind, assets.map(keyOf));
  const diedAt = new Map(letters.map(({ key, appearedAt }) => [key, appearedAt]));
  return assets.filter(asset => (diedAt.get(keyOf(asset)) ?? new Date(0)) > asset.updatedAt);
}

/** The work goes on for an asset that was given up only because its job died. */
export async function reopen(sql: Sql, storeId: string, assetId: string): Promise<void> {
  await sql`
    UPDATE media.asset SET status = CASE status WHEN 'failed' THEN 'processing' ELSE status END, complete = false,
      error_code = NULL, error = NULL, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${assetId} AND error_code = ${CONVERSION_DIED}`;
}
