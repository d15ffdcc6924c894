import type { Alert } from "../../../platform/alerts/index.ts";
import { prometheusRules, rules } from "../../keeper/index.ts";
import { type Command, UsageError } from "../command.ts";
import { duration, table } from "../table.ts";

/** An alert as it comes over HTTP. */
type AlertView = { [K in keyof Alert]: Alert[K] extends Date | (Date | null) ? string : Alert[K] };

const STATES = ["pending", "firing", "resolved"];

function alertTable(alerts: readonly AlertView[]): string {
  if (alerts.length === 0) return "No alerts.";
  const rows = alerts.map(({ severity, state, rule, subject, since, summary }) => [
    severity,
    state,
    subject ? `${rule} (${subject})` : rule,
    duration(Date.now() - new Date(since).getTime()),
    summary,
  ]);
  return table(["severity", "state", "alert", "since", "what"], rows);
}

export const alertCommands: readonly Command[] = [
  {
    path: ["alerts"],
    about: "Show what is wrong now; with --state resolved what was",
    options: { state: { type: "string", about: `one of ${STATES.join(", ")}; default: firing` } },
    async run({ api, options }) {
      const state = (options.state as string | undefined) ?? "firing";
      if (!STATES.includes(state)) throw new UsageError(`--state must be one of ${STATES.join(", ")}`);
      const json = await api.ops<{ items: AlertView[] }>(`/alerts?limit=100&state=${state}`);
      return { json, text: alertTable(json.items) };
    },
  },
  {
    path: ["alerts", "rules"],
    about: "Print the alert rules as a rule file of Prometheus",
    options: {},
    run: async () => ({
      json: { rules: rules.map(({ check, ...rule }) => rule) },
      text: prometheusRules(rules).trimEnd(),
    }),
  },
];
