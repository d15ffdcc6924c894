import { runSchedules, type Schedule } from "../../bus/index.ts";
import type { ChoreDeps } from "./chores.ts";
import type { Chore } from "./keeper.ts";

/** How late a tick may come. */
const LOOK_MS = 1_000;

/** Looks which schedules are due (bus/cron.ts). */
export function scheduleChore(
  { config, sql, log, bus }: Pick<ChoreDeps, "config" | "sql" | "log" | "bus">,
  schedules: readonly Schedule[],
): Chore {
  return {
    name: "schedules",
    everyMs: LOOK_MS,
    async run() {
      const fired = await runSchedules({ sql, schedules, timeZone: config.timeZone });
      if (fired.length > 0) bus.poke();
      for (const one of fired) log.info(one, "a schedule was due");
    },
  };
}
