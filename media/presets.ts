/**
 * Sizes that a store declares beside those of the plan. A preset never changes, so no URL of one is ever wrong; to change
 * it, declare another. Each change begins a backfill (backfill.ts), in its transaction.
 */
import { emit } from "../bus/index.ts";
import { type Author, diff, recordAudit } from "../commerce/audit/index.ts";
import { newId } from "../platform/ids.ts";
import { type Db, type Sql, type Tx, transaction } from "../platform/postgres/index.ts";
import { type Size, variantPlan } from "./plan.ts";

export type Preset = Size & { readonly crop: boolean };

/** All files of an asset are made of one decoding and lie in storage for good. */
const MAX_PRESETS = 20;

export function listPresets(sql: Sql, storeId: string): Promise<Preset[]> {
  return sql<Preset[]>`
    SELECT name, width, height, crop FROM media.preset WHERE store_id = ${storeId} ORDER BY created_at, name`;
}

/** Every size that pictures of the store are made in; those of the plan first. */
export async function sizesOf(sql: Sql, storeId: string): Promise<Size[]> {
  return [...variantPlan.sizes, ...(await listPresets(sql, storeId))];
}

export type Declared = "created" | "same" | "differs" | "too_many";

export function declarePreset(sql: Db, author: Author, preset: Preset): Promise<Declared> {
  return transaction(sql, async tx => {
    await lockPresets(tx, author.storeId);
    const known = await listPresets(tx, author.storeId);
    const old = known.find(one => one.name === preset.name);
    if (old) {
      const isSame = old.width === preset.width && old.height === preset.height && old.crop === preset.crop;
      return isSame ? "same" : "differs";
    }
    if (known.length >= MAX_PRESETS) return "too_many";
    const { name, width, height, crop } = preset;
    await tx`INSERT INTO media.preset ${tx({ store_id: author.storeId, name, width, height, crop })}`;
    await changed(tx, author, name, "create", diff(null, preset));
    return "created";
  });
}

/** Its variants go with the backfill. False when there is none. */
export function removePreset(sql: Db, author: Author, name: string): Promise<boolean> {
  return transaction(sql, async tx => {
    await lockPresets(tx, author.storeId);
    const [old] = await tx`
      DELETE FROM media.preset WHERE store_id = ${author.storeId} AND name = ${name}
      RETURNING name, width, height, crop`;
    if (!old) return false;
    await changed(tx, author, name, "delete", diff(old, null));
    return true;
  });
}

/** Changes of one store come one after the other, so that none exceeds the limit. */
async function lockPresets(tx: Tx, storeId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`media presets of ${storeId}`}, 0))`;
}

async function changed(
  tx: Tx,
  author: Author,
  name: string,
  action: string,
  changes: ReturnType<typeof diff>,
) {
  await recordAudit(tx, { ...author, action, entity: "media_preset", entityId: name, changes });
  const id = newId("backfill");
  await tx`INSERT INTO media.backfill (store_id, id) VALUES (${author.storeId}, ${id})`;
  await emit(tx, author, { type: "presets.changed", backfillId: id });
}
