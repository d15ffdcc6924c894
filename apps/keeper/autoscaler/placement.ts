/**
 * Which host runs how many processes of which pool.
 *
 * What an operator wants and the floors are given whatever it costs. Beyond them a process is given where cores are left
 * for it, to the high pool first and to the low one last: when a pool needs cores that one after it has taken, that one
 * loses them. A pool takes up the cores that it needs, not those that its processes could use: an idle floor is free.
 *
 * Within a pool processes go one by one to the host with the most cores for each that it has of them (Sainte-Laguë), so
 * that one more or one less moves no other, and a host that vanishes takes nothing from the rest. Ties go to who had the
 * process before, then to who has the fewest of other pools.
 */

import { type Host, type PerPool, type Priority, priorities } from "../../../bus/index.ts";
import { MOST_PER_HOST } from "./policy.ts";

export type PoolDemand = {
  readonly floor: number;
  /** With the floor in it. */
  readonly wanted: number;
  /** Set by an operator: given whatever the cores. */
  readonly manual: boolean;
  /** Processes' worth of work that there is now. */
  readonly need: number;
  /** Cores that a busy process uses. */
  readonly cores: number;
};

export type Shares = Readonly<Record<string, PerPool<number>>>;

/** What was given already is left until the cores are overdrawn by this much: costs are measured, and waver. */
const HELD_TOLERANCE = 1.25;

type Place = {
  readonly host: Host;
  readonly cores: number;
  used: number;
  readonly seats: Record<Priority, number>;
};

export function place(hosts: readonly Host[], demands: PerPool<PoolDemand>, before: Shares): Shares {
  const perMachine = new Map<string, number>();
  for (const { name } of hosts) perMachine.set(name, (perMachine.get(name) ?? 0) + 1);
  const places = hosts.map(host => ({
    host,
    cores: host.cores / perMachine.get(host.name)!,
    used: 0,
    seats: { high: 0, normal: 0, low: 0 },
  }));
  for (const priority of priorities) placePool(places, priority, demands[priority], before);
  return Object.fromEntries(places.map(({ host, seats }) => [host.id, seats]));
}

function placePool(places: readonly Place[], priority: Priority, demand: PoolDemand, before: Shares): void {
  const all = placesFor(places, priority, demand.manual);
  const held = (place: Place) => before[place.host.id]?.[priority] ?? 0;
  // A share of the work falls to each process that the pool wants.
  const cost = demand.cores * Math.min(1, demand.need / Math.max(1, demand.wanted));
  const assured = demand.manual ? demand.wanted : Math.min(demand.floor, demand.wanted);
  for (let given = 0; given < demand.wanted; given++) {
    const isAssured = given < assured;
    const takers = all.filter(({ seats }) => seats[priority] < MOST_PER_HOST);
    const open = isAssured
      ? takers
      : takers.filter(place => hasRoom(place, cost, place.seats[priority] < held(place)));
    const next = best(open, priority, held);
    if (!next) return;
    next.seats[priority]++;
    next.used += cost;
  }
}

/** Hosts that start none of a pool take no part in it, unless an operator wants it and there is no other. */
function placesFor(places: readonly Place[], priority: Priority, manual: boolean): readonly Place[] {
  const takers = places.filter(({ host }) => host.starts[priority] > 0);
  return takers.length === 0 && manual ? places : takers;
}

function hasRoom({ used, cores }: Place, cost: number, isHeld: boolean): boolean {
  return used + cost <= cores * (isHeld ? HELD_TOLERANCE : 1);
}

function best(
  places: readonly Place[],
  priority: Priority,
  held: (place: Place) => number,
): Place | undefined {
  const claim = (place: Place) => place.cores / (2 * place.seats[priority] + 1);
  const lacks = (place: Place) => (place.seats[priority] < held(place) ? 0 : 1);
  const others = ({ seats, cores }: Place) => (seats.high + seats.normal + seats.low) / cores;
  return [...places].sort(
    (a, b) =>
      claim(b) - claim(a) ||
      lacks(a) - lacks(b) ||
      others(a) - others(b) ||
      a.host.id.localeCompare(b.host.id),
  )[0];
}

export function totalsOf(shares: Shares): PerPool<number> {
  const total = (priority: Priority) =>
    Object.values(shares).reduce((sum, share) => sum + share[priority], 0);
  return { high: total("high"), normal: total("normal"), low: total("low") };
}
