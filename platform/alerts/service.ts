import { uuidPattern } from "../ids.ts";
import { badCursor, type Page, pageOf } from "../page.ts";
import type { Db, Sql } from "../postgres/index.ts";
import type { Alert, AlertState, Severity } from "./model.ts";
import * as store from "./store.ts";
import { sendToWebhook, type Webhook } from "./webhook.ts";

const TELL_AT_ONCE = 50;
const FORGET_BATCH = 500;

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listAlerts(
  sql: Sql,
  query: {
    state?: AlertState | undefined;
    severity?: Severity | undefined;
    limit: number;
    cursor?: string | undefined;
  },
): Promise<Page<Alert>> {
  const { cursor = null, limit, state, severity } = query;
  if (cursor !== null && !uuidPattern.test(cursor)) throw badCursor();
  const found = await store.selectAlerts(sql, { state, severity, before: cursor, limit: limit + 1 });
  return pageOf(found, limit);
}

/**
 * Tells the webhook what fired or was resolved since it was last told. At least once: a crash between the answer and the
 * note of it tells again. Returns how many were told. @throws what the webhook answered; nothing is noted then.
 */
export async function tellAlerts(sql: Db, webhook: Webhook): Promise<number> {
  const alerts = await store.selectUntold(sql, TELL_AT_ONCE);
  if (alerts.length === 0) return 0;
  await sendToWebhook(webhook, alerts);
  await store.markTold(sql, alerts);
  return alerts.length;
}

/** Resolved alerts are kept for `days`. */
export function forgetAlerts(sql: Db, days = 30): Promise<number> {
  return store.deleteResolved(sql, days, FORGET_BATCH);
}
