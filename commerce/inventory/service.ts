/**
 * Use cases of stock. A reservation's life: checkout claims it (held, with an expiry), T2 confirms it (held for good),
 * `stock.commit` commits it. One that is declined is released at once; one whose expiry passes is found by
 * {@link sweepReservations}, which emits `reservation.lapsed` exactly once, and `stock.release` releases it.
 *
 * Crashes: each step is one statement or one transaction, conditional on the state before it. A job that runs twice, or
 * twice at the same time, finds the reservation settled and changes nothing.
 */
import { type Bus, emit, firstIdAt, type Origin, outboxRows } from "../../bus/index.ts";
import { conflict, invalid, notFound } from "../../platform/errors.ts";
import { type GroupedOptions, groupedBy } from "../../platform/grouped.ts";
import {
  type Db,
  ensurePartitions,
  isRefusedStatement,
  retried,
  transaction,
} from "../../platform/postgres/index.ts";
import { type AuditRecord, auditRows, diff } from "../audit/index.ts";
import type { Adjustment, Level } from "./model.ts";
import * as store from "./store.ts";

const SWEEP_BATCH = 200;
/** Somebody waits for an adjustment. Two lanes: one commits while the next is worked on. */
const ADJUSTED = { max: 64, lanes: 2 };
/** For reservations nobody waits: what comes meanwhile makes the next group cheaper. */
const SETTLED = { max: 256, lanes: 1, gather: { ms: 25, from: 4 } };

/** What SQL functions of this module enqueue for the products whose stock they change. */
export function stockChanged(origin: Origin): store.ChangedTemplate {
  return outboxRows(origin, [{ type: "stock.changed", productIds: ["$product"] }]);
}

/**
 * Changes `on_hand`, once per key; a repeated key changes nothing and gives the level as it is. One statement: level,
 * ledger, audit log and outbox commit together.
 * @throws Problem 404 for a variant or location that the store doesn't have; 409 `insufficient_stock` when `on_hand`
 * would fall under 0 or under what is reserved, `location_inactive`.
 */
export async function adjustStock(sql: Db, change: Adjustment): Promise<Level> {
  if (change.delta === 0) throw invalid([{ path: "delta", message: "must not be 0" }]);
  const effects = { changed: stockChanged(change), audit: auditRows([auditOf(change)]) };
  const { outcome, level } = await adjusted(sql, { ...change, ...effects });
  switch (outcome) {
    case "no_variant":
      throw notFound("variant");
    case "no_location":
      throw notFound("location");
    case "inactive_location":
      throw conflict("location_inactive", "This location is switched off.");
    case "insufficient":
      throw conflict("insufficient_stock", "Stock can't fall under 0 or under what is reserved.", {
        level: level ?? { variantId: change.variantId, onHand: 0, reserved: 0, available: 0 },
      });
    default:
      return level!;
  }
}

/** What waits at the same moment is committed together, for each database handle by itself. */
function committedTogether<Q, A>(
  size: Pick<GroupedOptions<Q, A>, "max" | "lanes" | "gather">,
  run: (sql: Db, requests: readonly Q[]) => Promise<readonly A[]>,
) {
  return groupedBy<Db, Q, A>(sql => ({
    ...size,
    run: requests => retried(() => run(sql, requests)),
    isDefinite: isRefusedStatement,
  }));
}

const adjusted = committedTogether(ADJUSTED, store.adjust);
const committed = committedTogether(SETTLED, store.commit);
const released = committedTogether(SETTLED, store.releaseLapsed);

function auditOf({ variantId, locationId, delta, reason, author, ...origin }: Adjustment): AuditRecord {
  const { storeId, route, traceparent } = origin;
  const changes = diff(null, { delta, reason, ...(locationId === undefined ? {} : { locationId }) });
  const what = { action: "adjust", entity: "stock_level", entityId: variantId };
  return { storeId, actor: author, route, traceparent, ...what, changes };
}

/**
 * Turns a confirmed reservation into a sale. `committed` for the one call that did it; `settled` when it was done
 * before; `pending` when its order is not placed (yet); `unknown` when there is none.
 */
export async function commitReservation(
  sql: Db,
  { storeId }: Origin,
  reservationId: string,
): Promise<"committed" | "settled" | "pending" | "unknown"> {
  const outcome = await committed(sql, { storeId, reservationId });
  if (outcome === "done") return "committed";
  if (outcome === "unknown") return "unknown";
  return outcome === "held" ? "pending" : "settled";
}

/**
 * Gives the stock of a reservation back that has lapsed. `released` for the one call that did it; `settled` when it was
 * committed or released before; `alive` when it has not lapsed; `unknown` when there is none.
 */
export async function releaseLapsed(
  sql: Db,
  origin: Origin,
  reservationId: string,
): Promise<"released" | "settled" | "alive" | "unknown"> {
  const { storeId } = origin;
  const outcome = await released(sql, { storeId, reservationId, changed: stockChanged(origin) });
  if (outcome === "done") return "released";
  if (outcome === "unknown") return "unknown";
  return outcome === "held" ? "alive" : "settled";
}

/**
 * Emits `reservation.lapsed` for reservations whose expiry has passed, once each, and returns how many. For keepers,
 * every few seconds; any number may run.
 */
export async function sweepReservations(deps: { sql: Db; bus?: Pick<Bus, "poke"> }): Promise<number> {
  const count = await transaction(deps.sql, async tx => {
    const lapsed = await store.lapse(tx, SWEEP_BATCH);
    for (const { storeId, reservationId } of lapsed) {
      await emit(tx, { storeId }, { type: "reservation.lapsed", reservationId });
    }
    return lapsed.length;
  });
  if (count > 0) deps.bus?.poke();
  return count;
}

/** For keepers: the ledger's partitions of this month and the next ones. Safe to run in many processes. */
export function ensureLedgerPartitions(sql: Db, now: Date): Promise<void> {
  return ensurePartitions(sql, {
    parent: "inventory.adjustment",
    key: "id",
    period: "month",
    boundary: month => firstIdAt(month.getTime()),
    now,
  });
}
