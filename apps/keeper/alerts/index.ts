/**
 * Evaluates the alert rules (rules.ts) every fifteen seconds, in one keeper of the cluster, and tells the webhook what
 * fired or is over. Alerts are in Postgres (platform/alerts): another keeper that takes over goes on with them.
 *
 * What a crash does: alerts that were firing stay open until another keeper does not find them any more; the
 * rates of the last hour begin anew with the keeper that takes over, so a rule on rates may fire some minutes later.
 */
import type { Bus, Leadership } from "../../../bus/index.ts";
import { forgetAlerts, noteAlerts, tellAlerts, type Webhook } from "../../../platform/alerts/index.ts";
import type { Log } from "../../../platform/log.ts";
import type { Db } from "../../../platform/postgres/index.ts";
import type { Chore } from "../keeper.ts";
import { evaluate, rules as ours, type Rule, watched } from "./rules.ts";
import { type Metric, Series } from "./series.ts";

export { prometheusRules } from "./prometheus.ts";
export { type Rule, rules } from "./rules.ts";

const EVERY_MS = 15_000;
/** One evaluation without a finding may be a process that answered late; the second ends an alert. */
const quietMs = (everyMs: number) => 1.5 * everyMs;
const TELL_EVERY_MS = 5_000;
const HOUR_MS = 3_600_000;

export type AlertDeps = {
  bus: Pick<Bus, "collectMetrics">;
  sql: Db;
  log: Log;
  leadership: Pick<Leadership, "epoch">;
  webhook: Webhook | null;
  rules?: readonly Rule[];
  everyMs?: number;
  nowMs?: () => number;
};

export function alertChores({ bus, sql, log, leadership, webhook, ...options }: AlertDeps): Chore[] {
  const { rules = ours, everyMs = EVERY_MS, nowMs = Date.now } = options;
  let series: Series | undefined;
  const evaluation: Chore = {
    name: "alert rules",
    everyMs,
    async run() {
      if ((await leadership.epoch()) === null) {
        series = undefined;
        return;
      }
      series ??= new Series(watched);
      series.add(nowMs(), (await bus.collectMetrics("cluster")) as Metric[][]);
      await noteAlerts(sql, evaluate(series, rules), quietMs(everyMs));
    },
  };
  const forgetting: Chore = { name: "old alerts", everyMs: HOUR_MS, run: () => forgetAlerts(sql) };
  if (!webhook) return [evaluation, forgetting];
  const telling: Chore = {
    name: "alert webhook",
    everyMs: TELL_EVERY_MS,
    async run() {
      if ((await leadership.epoch()) === null) return;
      const told = await tellAlerts(sql, webhook);
      if (told > 0) log.info({ alerts: told }, "alert webhook told");
    },
  };
  return [evaluation, forgetting, telling];
}
