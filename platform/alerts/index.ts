/**
 * Alerts: what is wrong now, what was, and who has been told. Owns `platform.alert`. Who evaluates hands in all that is
 * true at a moment ({@link noteAlerts}); an alert fires when it has been true for as long as its rule asks, and is
 * resolved when it was not seen for a while.
 *
 * Any number may evaluate at once: an evaluation is one statement, and a rule has one open alert for each subject.
 * Webhooks are told at least once.
 */
export {
  type Alert,
  type AlertState,
  alertStates,
  type Finding,
  type Severity,
  severities,
} from "./model.ts";
export { forgetAlerts, listAlerts, tellAlerts } from "./service.ts";
export { noteAlerts } from "./store.ts";
export type { Webhook } from "./webhook.ts";
