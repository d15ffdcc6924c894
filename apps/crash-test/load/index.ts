/**
 * The load: what comes how often. Two cores carry it with half of their time, so that what is started again, all the time, finds some: the low
 * pool gets only what others leave, and a recovery on a full machine would tell of the machine.
 */
import { afterSales } from "./after-sales.ts";
import { checkouts, flashCheckouts } from "./checkouts.ts";
import type { LoadContext } from "./context.ts";
import { imports, pictures } from "./files.ts";
import { jobs, killers, ticks } from "./jobs.ts";
import { type Running, runSources, type Source } from "./pace.ts";

export { MAIL_DOMAIN } from "./checkouts.ts";
export type { LoadContext } from "./context.ts";
export type { Running, Source } from "./pace.ts";
export { type Shop, stockShop } from "./shop.ts";

export function loadOf(context: LoadContext): readonly Source[] {
  return [
    checkouts(context, 8),
    flashCheckouts(context, 3),
    afterSales(context, 0.7),
    jobs(context, 14),
    killers(context, 0.04),
    ticks(context, 0.2),
    imports(context, 0.2),
    pictures(context, 0.4),
  ];
}

export const startLoad = (sources: readonly Source[]): Running => runSources(sources);
