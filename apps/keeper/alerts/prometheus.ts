import type { Rule } from "./rules.ts";

/** A scalar of YAML as formatters write it. */
function quoted(text: string): string {
  return text.includes('"') ? `'${text.replaceAll("'", "''")}'` : `"${text}"`;
}

/** A rule file of Prometheus (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/). */
export function prometheusRules(rules: readonly Rule[]): string {
  const alerts = rules.map(({ name, severity, forSeconds, about, expr }) =>
    [
      `      - alert: Tradewind${name}`,
      `        expr: ${quoted(expr)}`,
      `        for: ${forSeconds}s`,
      "        labels:",
      `          severity: ${severity}`,
      "        annotations:",
      `          description: ${quoted(about)}`,
    ].join("\n"),
  );
  return `# Made by \`tradewind alerts rules\`. The keepers evaluate the same rules by themselves.
groups:
  - name: tradewind
    rules:
${alerts.join("\n")}
`;
}
