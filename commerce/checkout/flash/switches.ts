/** Which variants of a store are in flash mode ('' stands for all of it); a node trusts what it read for a second. */
import { notFound } from "../../../platform/errors.ts";
import { type Db, transaction } from "../../../platform/postgres/index.ts";
import { diff, recordAudit } from "../../audit/index.ts";
import * as store from "./store.ts";

const TRUST_MS = 1_000;
const MAX_STORES = 10_000;
const MAX_LISTED = 1_000;

export type Switches = { of(storeId: string): Promise<ReadonlySet<string>> };

export function openSwitches(sql: Db): Switches {
  const known = new Map<string, { until: number; on: Promise<ReadonlySet<string>> }>();
  return {
    of(storeId) {
      const now = performance.now();
      const entry = known.get(storeId);
      if (entry && entry.until > now) return entry.on;
      const on = store.switchedOn(sql, storeId);
      on.catch(() => known.delete(storeId));
      known.delete(storeId);
      known.set(storeId, { until: now + TRUST_MS, on });
      if (known.size > MAX_STORES) known.delete(known.keys().next().value!);
      return on;
    },
  };
}

export type FlashState = {
  on: boolean;
  variants: string[];
  /** Each with who switched it, and when it ends by itself (switched on by load); variantId null: the whole store. */
  switches: { variantId: string | null; by: "admin" | "load"; since: string; until: string | null }[];
};

/** Switches flash mode for a variant, or without one for the whole store. Takes effect within a second on every node. */
export async function setFlash(
  sql: Db,
  change: {
    storeId: string;
    variantId?: string | undefined;
    on: boolean;
    author: string;
    route?: string | undefined;
  },
): Promise<FlashState> {
  const { storeId, variantId = "", on, author, route } = change;
  if (variantId !== "" && !(await store.hasVariant(sql, storeId, variantId))) throw notFound("variant");
  await transaction(sql, async tx => {
    const before = (await store.switchedOn(tx, storeId)).has(variantId);
    if (on) await store.switchOn(tx, storeId, variantId, author);
    else await store.switchOff(tx, storeId, variantId);
    const changes = diff({ on: before }, { on });
    const entity = { entity: "flash_mode", entityId: variantId || storeId };
    await recordAudit(tx, { storeId, actor: author, route, action: "update", ...entity, changes });
  });
  return getFlash(sql, storeId);
}

export async function getFlash(sql: Db, storeId: string): Promise<FlashState> {
  const switches = await store.selectSwitches(sql, storeId, MAX_LISTED);
  return {
    on: switches.some(one => one.variantId === null),
    variants: switches.flatMap(one => one.variantId ?? []),
    switches: switches.map(({ variantId, author, at, until }) => ({
      variantId,
      by: author === store.LOAD ? ("load" as const) : ("admin" as const),
      since: at.toISOString(),
      until: until?.toISOString() ?? null,
    })),
  };
}
