/** The load: what comes how often. Small, so that two cores carry it beside what is started again all the time. */
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
    checkouts(context, 12),
    flashCheckouts(context, 4),
    afterSales(context, 1),
    jobs(context, 20),
    killers(context, 0.04),
    ticks(context, 0.2),
    imports(context, 0.3),
    pictures(context, 0.5),
  ];
}

export const startLoad = (sources: readonly Source[]): Running => runSources(sources);
