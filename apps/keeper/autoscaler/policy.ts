/** What the autoscaler may do and aims at: the settings, with what an operator set on top. */
import type { Host, PerPool, PoolWish, Priority } from "../../../bus/index.ts";
import type { Config } from "../../../platform/config.ts";

export type Policy = {
  readonly enabled: boolean;
  /** Least time between two steps up. */
  readonly upMs: number;
  /** A pool shrinks to the most that it needed within this time. */
  readonly downMs: number;
  readonly pools: PerPool<{ floor: number | undefined; ceiling: number | undefined; targetAgeMs: number }>;
};

/** Beyond it a mistyped number would take the machines down. */
export const MOST_PER_HOST = 256;
const CEILING_PER_CORE = 2;

export function policyOf(config: Config): Policy {
  return {
    enabled: config.autoscale,
    upMs: config.scaleUpSeconds * 1_000,
    downMs: config.scaleDownSeconds * 1_000,
    pools: {
      high: {
        floor: config.highFloor,
        ceiling: config.highCeiling,
        targetAgeMs: config.highTargetSeconds * 1_000,
      },
      normal: {
        floor: config.normalFloor,
        ceiling: config.normalCeiling,
        targetAgeMs: config.normalTargetSeconds * 1_000,
      },
      low: {
        floor: config.lowFloor,
        ceiling: config.lowCeiling,
        targetAgeMs: config.lowTargetSeconds * 1_000,
      },
    },
  };
}

export type Bounds = { readonly floor: number; readonly ceiling: number };

/**
 * The bounds of a pool with these hosts. An operator's bound counts before the settings'; where floor and ceiling
 * contradict each other the one that the operator set holds, else the floor.
 */
export function boundsOf(policy: Policy, priority: Priority, wish: PoolWish, hosts: readonly Host[]): Bounds {
  const takers = hosts.filter(host => host.starts[priority] > 0);
  if (takers.length === 0) return { floor: 0, ceiling: 0 };
  const most = MOST_PER_HOST * takers.length;
  const starts = takers.reduce((sum, host) => sum + host.starts[priority], 0);
  const settings = policy.pools[priority];
  const ceiling = wish.ceiling ?? settings.ceiling ?? Math.ceil(CEILING_PER_CORE * coresOf(takers));
  const floor = wish.floor ?? settings.floor ?? starts;
  const ceilingHolds = wish.ceiling !== null && wish.floor === null;
  return ceilingHolds
    ? { floor: Math.min(floor, ceiling, most), ceiling: Math.min(ceiling, most) }
    : { floor: Math.min(floor, most), ceiling: Math.min(Math.max(floor, ceiling), most) };
}

/** Cores of the machines; supervisors on one machine share them. */
export function coresOf(hosts: readonly Host[]): number {
  const machines = new Map<string, number>();
  for (const { name, cores } of hosts) machines.set(name, Math.max(cores, machines.get(name) ?? 0));
  return [...machines.values()].reduce((sum, cores) => sum + cores, 0);
}
