/** All schedules, as data. A name is stable: operators' pauses and the last tick hang on it. */
import type { Contract, Payload } from "./contracts/contract.ts";
import { maintenanceTidy, searchCheck } from "./contracts/index.ts";

export type Schedule<C extends Contract = Contract> = {
  readonly name: string;
  readonly about: string;
  /** Five fields (minute, hour, day, month, weekday), or six with seconds first. */
  readonly cron: string;
  /** An IANA name; default: that of the deployment, `TRADEWIND_TIME_ZONE`. */
  readonly timeZone?: string;
  readonly contract: C;
  readonly payload: Payload<C>;
  /** Default `-`: of no store. */
  readonly storeId?: string;
  /** A tick while the job of the last one is still open: `skip` (default) leaves it to that, `allow` makes another. */
  readonly overlap?: "skip" | "allow";
};

function schedule<C extends Contract>(one: Schedule<C>): Schedule {
  return one as unknown as Schedule;
}

export const schedules: readonly Schedule[] = [
  schedule({
    name: "tidy.counted_orders",
    about: "Forgets which orders were counted for popularity, once nothing can count them again",
    cron: "17 3 * * *",
    contract: maintenanceTidy,
    payload: { task: "counted_orders" },
  }),
  schedule({
    name: "tidy.learned_orders",
    about: "Forgets which orders were counted for recommendations, once nothing can count them again",
    cron: "27 3 * * *",
    contract: maintenanceTidy,
    payload: { task: "learned_orders" },
  }),
  schedule({
    name: "tidy.ticks",
    about: "Forgets ticks of schedules after a month",
    cron: "37 3 * * *",
    contract: maintenanceTidy,
    payload: { task: "ticks" },
  }),
  schedule({
    name: "search.check",
    about: "Compares search indexes with the shops by sampled checksums, and repairs what differs",
    cron: "47 2 * * *",
    contract: searchCheck,
    payload: {},
  }),
];
