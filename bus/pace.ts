/**
 * Rate limits of kinds, shared by all processes: GCRA (ITU-T I.371) in one row a kind, by the database's clock. Workers ask
 * in the moment in which jobs could start, so a start that was granted is used; what a process dies with is lost and only
 * makes the kind a little slower.
 */

import type { Sql } from "../platform/postgres/index.ts";
import type { Rate, RateUnit } from "./contracts/contract.ts";

const unitMs: Record<RateUnit, number> = { second: 1_000, minute: 60_000, hour: 3_600_000 };
const BURST_MS = 100;

export function intervalMs({ limit, per }: Rate): number {
  return unitMs[per] / limit;
}

/** Without one given, a tenth of a second's worth: enough that starts which come late are not lost. */
export function burstOf(rate: Rate): number {
  return rate.burst ?? Math.max(1, Math.ceil(BURST_MS / intervalMs(rate)));
}

/** Up to `wanted` starts of a kind; with none, the milliseconds until the next one. */
export async function takeStarts(
  sql: Sql,
  kind: string,
  rate: Rate,
  wanted: number,
): Promise<{ granted: number; waitMs: number }> {
  const [row] = await sql<{ granted: number; waitMs: number }[]>`
    SELECT granted, wait_ms AS "waitMs"
    FROM bus.take_starts(${kind}, ${wanted}::int, ${intervalMs(rate)}::float8, ${burstOf(rate)}::int)`;
  return row!;
}
