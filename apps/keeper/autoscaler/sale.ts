/** During a sale the high pool keeps a process per core at least, before anybody waits for one. */
import type { Host, PerPool, PoolWish } from "../../../bus/index.ts";
import { coresOf } from "./policy.ts";

/** The wishes with the floor that a sale gives to high; what an operator set for the pool still wins. */
export function reservedForSale(
  wishes: PerPool<PoolWish>,
  isSale: boolean,
  hosts: readonly Host[],
): PerPool<PoolWish> {
  const { high } = wishes;
  if (!isSale || high.processes !== null) return wishes;
  const floor = Math.max(high.floor ?? 0, Math.min(coresOf(hosts), high.ceiling ?? Number.POSITIVE_INFINITY));
  return { ...wishes, high: { ...high, floor } };
}
