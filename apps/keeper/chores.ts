/** The sweeps that keepers run, as data: what, how often. Each is safe to run in many processes at once. */
import type { Bus } from "../../bus/index.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import type { Chore } from "./keeper.ts";

export type ChoreDeps = { config: Config; sql: Db; log: Log; clock: Clock; bus: Bus };

export function chores(_deps: ChoreDeps): readonly Chore[] {
  return [];
}
