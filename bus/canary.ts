/**
 * A canary: dead letters replayed in portions, each of which must end well before the next goes out.
 *
 *   start → watching ──all of the portion ended well──→ the next portion, twice as large  (carryOn, or told so)
 *              │  └───────────────────────────────────→ waiting ──continue──→ watching
 *              ├──nothing is left────────────────────→ done
 *              └──one fails again, or its payload no longer fits─→ stopped ──continue──→ watching
 *
 * `stopOn` says what counts as failing again: the first failed try (default), or only another death, for kinds whose tries
 * may fail now and then. What is out when a canary stops goes on with its own tries; nothing further is replayed. A job
 * that dies again leaves a new letter, which this canary does not take: only letters that had come to light when it
 * began are its own, so that it can't go round in circles.
 *
 * State lies in `bus.canary`, and each letter names its canary and portion. Any number of keepers step: each step is one
 * transaction under the canary's row lock, which others skip. Crash story: a keeper (or API node) that is killed before
 * its commit has done nothing, and the next step, a second later, looks anew; after it, letters, jobs and state are all
 * there. A canary never waits on a process, only on its jobs' rows in the ledger.
 */
import { Problem } from "../platform/errors.ts";
import { type Db, type Tx, transaction } from "../platform/postgres/index.ts";
import * as store from "./canary-store.ts";
import type { Dead } from "./dead.ts";
import { lockOpen, replayLetters } from "./dead-settle.ts";

export type { Canary, CanaryFilter } from "./canary-store.ts";
export { canaryStatuses, getCanary, listCanaries } from "./canary-store.ts";

export type NewCanary = {
  ids?: readonly string[] | undefined;
  kind?: string | undefined;
  fingerprint?: string | undefined;
  /** Letters of the first portion; default 1. */
  size?: number | undefined;
  /** Most letters in all; default 10,000. */
  limit?: number | undefined;
  /** Go on by itself when a portion has ended well; default false. */
  carryOn?: boolean | undefined;
  stopOn?: "failed_try" | "dead" | undefined;
  /** Replaces the payload of each letter; checked against its kind's schema. */
  payload?: unknown;
};

const LIMIT = 10_000;
/** Portions double up to this, so that one transaction stays short. */
const PORTION_MAX = 500;

/**
 * Replays the first portion.
 * @throws Problem 404 when no open letter fits; 409 `canary_running` when this group has one; 422 for a payload that breaks
 * its schema.
 */
export async function startCanary(db: Db, given: NewCanary): Promise<store.Canary> {
  const id = Bun.randomUUIDv7();
  const { limit = LIMIT, carryOn = false, stopOn = "failed_try" } = given;
  const begun = transaction(db, async tx => {
    const size = Math.min(given.size ?? 1, limit, PORTION_MAX);
    const canary = await store.insert(tx, { ...given, id, size, limit, carryOn, stopOn });
    const letters = await nextLetters(tx, canary, size);
    if (letters.length === 0) throw new Problem(404, "not_found", "There is no such open dead letter.");
    await replayPortion(tx, canary, letters);
    return (await store.getCanary(tx, id))!;
  });
  return begun.catch(error => {
    if ((error as { code?: string }).code !== "23505") throw error;
    throw new Problem(409, "canary_running", "A canary of these dead letters is under way already.");
  });
}

/** Looks after every canary that waits for its portion, each in a transaction of its own. @returns how many changed. */
export async function stepCanaries(db: Db): Promise<number> {
  let changed = 0;
  for (const id of await store.watchingIds(db)) {
    if (await transaction(db, tx => step(tx, id))) changed++;
  }
  return changed;
}

async function step(tx: Tx, id: string): Promise<boolean> {
  const canary = await store.lockWatching(tx, id);
  if (!canary) return false;
  const seen = await store.outcomesOf(tx, canary);
  await store.note(tx, id, seen);
  if (seen.firstFailed) return stopFor(tx, canary, "failure", seen.firstFailed);
  if (seen.open > 0) return false;
  if (!(await anyLeft(tx, canary))) return finish(tx, canary);
  if (!canary.carryOn) return wait(tx, canary);
  return goOn(tx, canary);
}

/** The next portion, twice as large. */
async function goOn(tx: Tx, canary: store.Canary): Promise<boolean> {
  const size = Math.min(canary.portionSize * 2, PORTION_MAX, canary.limit - canary.replayed);
  const letters = await nextLetters(tx, canary, size);
  if (letters.length === 0) return finish(tx, canary);
  const next = { ...canary, portion: canary.portion + 1, portionSize: size };
  // A payload that does not fit is found before anything is written.
  try {
    await replayPortion(tx, next, letters);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const faults = error.more.errors?.map(({ path, message }) => `${path} ${message}`).join("; ");
    const failure = { deadId: null, jobId: null, error: `${error.detail} ${faults ?? ""}`.trim() };
    return stopFor(tx, canary, "payload", failure);
  }
  return true;
}

async function replayPortion(tx: Tx, canary: store.Canary, letters: readonly Dead[]): Promise<void> {
  const { id, portion, payload } = canary;
  await replayLetters(tx, letters, { payload: payload ?? undefined, canary: { id, portion } });
  await store.portionIsOut(tx, canary, letters.length);
}

function nextLetters(tx: Tx, canary: store.Canary, limit: number): Promise<Dead[]> {
  const { id, kind, fingerprint, ids, payload } = canary;
  return lockOpen(tx, {
    ids: ids ?? undefined,
    kind: kind ?? undefined,
    fingerprint: fingerprint ?? undefined,
    beforeCanary: id,
    limit,
    withoutPayload: payload !== null,
  });
}

async function anyLeft(tx: Tx, canary: store.Canary): Promise<boolean> {
  return canary.replayed < canary.limit && (await nextLetters(tx, canary, 1)).length > 0;
}

async function finish(tx: Tx, canary: store.Canary): Promise<boolean> {
  await store.setStatus(tx, canary.id, "done");
  return true;
}

async function wait(tx: Tx, canary: store.Canary): Promise<boolean> {
  await store.setStatus(tx, canary.id, "waiting");
  return true;
}

async function stopFor(
  tx: Tx,
  canary: store.Canary,
  by: "failure" | "payload",
  failure: store.Failure,
): Promise<boolean> {
  await store.stop(tx, canary.id, by, failure);
  return true;
}

/**
 * Told so: the next portion goes out now, and further ones follow by themselves. After a stop this means "go on all the
 * same".
 * @throws Problem 404; 409 `not_waiting` while it watches or when it is done; 409 `canary_running`.
 */
export async function continueCanary(db: Db, id: string): Promise<store.Canary> {
  const done = transaction(db, async tx => {
    const canary = await store.lock(tx, id);
    if (!canary) throw new Problem(404, "not_found", "There is no such canary.");
    if (canary.status !== "waiting" && canary.status !== "stopped")
      throw new Problem(409, "not_waiting", `The canary is ${canary.status}: there is nothing to continue.`);
    await store.resume(tx, id);
    await goOn(tx, canary);
    return (await store.getCanary(tx, id))!;
  });
  return done.catch(error => {
    if ((error as { code?: string }).code !== "23505") throw error;
    throw new Problem(409, "canary_running", "Another canary of these dead letters is under way.");
  });
}

/** Nothing further is replayed. @throws Problem 404; 409 `already_ended`. */
export function stopCanary(db: Db, id: string): Promise<store.Canary> {
  return transaction(db, async tx => {
    const canary = await store.lock(tx, id);
    if (!canary) throw new Problem(404, "not_found", "There is no such canary.");
    if (canary.status !== "watching" && canary.status !== "waiting")
      throw new Problem(409, "already_ended", `The canary is ${canary.status} already.`);
    await store.note(tx, id, await store.outcomesOf(tx, canary));
    await store.stop(tx, id, "operator", null);
    return (await store.getCanary(tx, id))!;
  });
}
