/**
 * Stock that moves between locations: draft → in_transit → received; draft | in_transit → cancelled.
 *
 * Crash story: a step is one SQL function in one transaction (`inventory.move_transfer`), conditional on the state before it
 * under the transfer's lock, so it happens wholly, once, or not at all. A step that is asked for again finds itself done and
 * answers the transfer as it is. Units on the way are in no `on_hand`: they can be neither sold nor counted twice.
 */
import { outboxRows } from "../../bus/index.ts";
import { conflict, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { decodeCursor, encodeCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import type { NewTransfer, Transfer, TransferLine, TransferStatus } from "./model.ts";
import { shareActive } from "./store.locations.ts";
import * as store from "./store.transfers.ts";

const audited = (author: Author, action: string, id: string) => ({
  ...author,
  action,
  entity: "transfer",
  entityId: id,
});

const shown = ({ status, fromLocationId, toLocationId, lines }: Transfer) => ({
  status,
  fromLocationId,
  toLocationId,
  lines: lines.map(({ variantId, quantity }) => ({ variantId, quantity })),
});

/** A draft. @throws Problem 422 naming the location or the line that is no good. */
export function createTransfer(sql: Db, author: Author, input: NewTransfer): Promise<Transfer> {
  return transaction(sql, async tx => {
    await checkLocations(tx, author.storeId, input);
    const lines = await withProducts(tx, author.storeId, input.lines);
    const id = newId("trf");
    await store.insert(tx, author.storeId, {
      id,
      from: input.fromLocationId,
      to: input.toLocationId,
      note: input.note?.toWellFormed() ?? null,
      author: author.actor,
    });
    await store.replaceLines(tx, author.storeId, id, lines);
    const made = (await store.select(tx, author.storeId, id))!;
    await recordAudit(tx, { ...audited(author, "create", id), changes: diff(null, shown(made)) });
    return made;
  });
}

async function checkLocations(tx: Tx, storeId: string, { fromLocationId, toLocationId }: NewTransfer) {
  if (fromLocationId === toLocationId) {
    throw invalid([{ path: "toLocationId", message: "must be another location" }]);
  }
  const active = await shareActive(tx, storeId, [fromLocationId, toLocationId]);
  const faults = Object.entries({ fromLocationId, toLocationId }).filter(([, id]) => !active.includes(id));
  if (faults.length > 0) {
    throw invalid(faults.map(([path]) => ({ path, message: "is not an active location of this store" })));
  }
}

async function withProducts(sql: Sql, storeId: string, lines: readonly TransferLine[]) {
  const known = await store.productsOf(
    sql,
    storeId,
    lines.map(line => line.variantId),
  );
  const seen = new Set<string>();
  const errors = lines.flatMap(({ variantId }, i) => {
    const message = seen.has(variantId)
      ? "is there twice"
      : known.has(variantId)
        ? null
        : "is not a variant of this store";
    seen.add(variantId);
    return message === null ? [] : [{ path: `lines.${i}.variantId`, message }];
  });
  if (errors.length > 0) throw invalid(errors);
  return lines.map(line => ({ ...line, productId: known.get(line.variantId)! }));
}

/** @throws Problem 404. */
export async function getTransfer(sql: Sql, storeId: string, id: string): Promise<Transfer> {
  const transfer = isId("trf", id) ? await store.select(sql, storeId, id) : null;
  if (!transfer) throw notFound("transfer");
  return transfer;
}

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listTransfers(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; status?: TransferStatus | undefined },
): Promise<Page<Transfer>> {
  const before = decodeCursor(query.cursor, 1, /^trf_\w{1,64}$/)?.[0] ?? null;
  const found = await store.selectPage(sql, storeId, before, query.status ?? null, query.limit + 1);
  return pageOf(found, query.limit, transfer => encodeCursor([transfer.id]));
}

/** Lines and note of a draft. @throws Problem 404; 409 `transfer_state` when it is no draft any more; 412; 422. */
export function changeTransfer(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
  change: { lines?: TransferLine[] | undefined; note?: string | null | undefined },
): Promise<Transfer> {
  return transaction(sql, async tx => {
    const before = isId("trf", id) && (await store.lock(tx, author.storeId, id));
    if (!before) throw notFound("transfer");
    if (expected !== "any" && before.version !== expected) throw stale(before.version);
    if (before.status !== "draft") throw wrongState(before.status);
    if (change.lines) {
      await store.replaceLines(tx, author.storeId, id, await withProducts(tx, author.storeId, change.lines));
    }
    const note = change.note === undefined ? before.note : (change.note?.toWellFormed() ?? null);
    await store.touch(tx, author.storeId, id, note);
    const after = (await store.select(tx, author.storeId, id))!;
    await recordAudit(tx, {
      ...audited(author, "update", id),
      changes: diff(shown(before), shown(after)),
    });
    return after;
  });
}

const actions = { in_transit: "ship", received: "receive", cancelled: "cancel" } as const;

/**
 * One step; a step that was done before changes nothing. @throws Problem 404; 409 `transfer_state`, `insufficient_stock`
 * with the lines that are short, `location_inactive`; 412.
 */
export function moveTransfer(
  sql: Db,
  author: Author,
  id: string,
  to: keyof typeof actions,
  expected: number | "any" = "any",
): Promise<Transfer> {
  if (!isId("trf", id)) return Promise.reject(notFound("transfer"));
  const { storeId } = author;
  return transaction(sql, async tx => {
    const changed = outboxRows(author, [{ type: "stock.changed", productIds: ["$product"] }]);
    const moved = await store.move(
      tx,
      { storeId, id, to, version: expected === "any" ? null : expected },
      author.actor,
      changed,
    );
    if (moved.outcome !== "moved" && moved.outcome !== "repeated")
      throw await refusal(tx, storeId, id, moved);
    const after = (await store.select(tx, storeId, id))!;
    if (moved.outcome === "moved") {
      await recordAudit(tx, { ...audited(author, actions[to], id), changes: diff(null, shown(after)) });
    }
    return after;
  });
}

async function refusal(sql: Sql, storeId: string, id: string, moved: store.Moved) {
  switch (moved.outcome) {
    case "insufficient":
      return conflict("insufficient_stock", "There is not enough free stock at the source.", {
        lines: moved.lines,
      });
    case "inactive_location":
      return conflict("location_inactive", "A location of this transfer is switched off.");
    case "wrong_state":
      return wrongState(moved.status);
    case "stale":
      return stale((await store.select(sql, storeId, id))!.version);
    default:
      return notFound("transfer");
  }
}

const wrongState = (status: string) =>
  conflict("transfer_state", `This can't be done with a transfer that is ${status}.`, {
    transferStatus: status,
  });
