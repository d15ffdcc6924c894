import { postJson } from "../outgoing.ts";
import type { Alert } from "./model.ts";

export type Webhook = {
  url: string;
  /** Private and loopback addresses may be called too. */
  allowPrivate: boolean;
  /** Where people look at the alerts. */
  consoleUrl?: string | undefined;
};

const TIMEOUT_MS = 5_000;

/**
 * The format of Prometheus Alertmanager's webhook, version 4
 * (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), which receivers know already.
 */
export function webhookBody(alerts: readonly Alert[], consoleUrl = ""): object {
  const told = alerts.map(alert => ({
    status: alert.state,
    labels: {
      alertname: alert.rule,
      severity: alert.severity,
      ...(alert.subject && { subject: alert.subject }),
    },
    annotations: { summary: alert.summary },
    startsAt: (alert.firedAt ?? alert.since).toISOString(),
    endsAt: alert.resolvedAt?.toISOString() ?? "0001-01-01T00:00:00Z",
    generatorURL: consoleUrl,
    fingerprint: alert.id,
  }));
  return {
    version: "4",
    groupKey: "tradewind",
    truncatedAlerts: 0,
    status: told.some(one => one.status === "firing") ? "firing" : "resolved",
    receiver: "tradewind",
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: consoleUrl,
    alerts: told,
  };
}

/** @throws Error when the webhook does not answer with a 2xx. */
export async function sendToWebhook(webhook: Webhook, alerts: readonly Alert[]): Promise<void> {
  const body = webhookBody(alerts, webhook.consoleUrl);
  const status = await postJson(webhook.url, body, {
    allowPrivate: webhook.allowPrivate,
    timeoutMs: TIMEOUT_MS,
  });
  if (status < 200 || status > 299) throw new Error(`the alert webhook answered ${status}`);
}
