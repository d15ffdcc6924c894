/**
 * Group commit: checkouts of one process that wait at the same moment go to Postgres as one statement, T1 and T2 alike,
 * and each gets an answer of its own. A group of one is the same statement, so a single client is no slower.
 *
 * Crashes: a group is one statement, done for all of it or for none. When the connection is lost the outcome is open and
 * all of the group fail; each of them is found by its own lease, as if it had been alone.
 */
import { grouped } from "../../platform/grouped.ts";
import { type Db, isRefusedStatement } from "../../platform/postgres/index.ts";
import type { BeginRequest, Begun, Placed } from "./model.ts";
import * as store from "./store.ts";

export type PlaceRequest = { storeId: string; key: string; orderId: string };

export type Groups = {
  begin(request: BeginRequest): Promise<Begun>;
  place(request: PlaceRequest): Promise<Placed>;
};

/**
 * Groups of each kind on the way at once. One: most of a statement's cost is the same however many it serves, so that a second
 * lane halves the groups and takes the time from both. While T1 of one group is under way, so is T2 of the group before it;
 * a larger Postgres is kept busy by more nodes.
 */
const LANES = 1;

/** A T2 of so many goes beside another. (A T1 does not: it takes twice the time, and what comes meanwhile is better served together.) */
const FEW = 16;

/** One for each process. `max`: most checkouts in a statement; 1: each by itself. */
export function openGroups(sql: Db, { max = 128 }: { max?: number } = {}): Groups {
  const options = { max, lanes: LANES, isDefinite: isRefusedStatement };
  return {
    begin: grouped({ ...options, run: requests => store.begin(sql, requests) }),
    place: grouped({ ...options, few: FEW, run: requests => store.place(sql, requests) }),
  };
}

/** For callers that have no group: recovery, tests. */
export function alone(sql: Db): Groups {
  return {
    begin: async request => (await store.begin(sql, [request]))[0]!,
    place: async request => (await store.place(sql, [request]))[0]!,
  };
}
