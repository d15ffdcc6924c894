/**
 * What admins did. Owns `audit.entry`: who (the id of a key), what (action, entity, route), when, and which fields
 * changed from what to what. A partition a month; keepers make them.
 *
 * Every use case behind an admin route that writes calls {@link recordAudit} in its own transaction, with
 * {@link diff} of what was and what is; one that is a single SQL function hands {@link auditRows} to `audit.record(…)`. Always holds: an entry exists exactly when its change was committed; entries are
 * never changed; they hold no personal data and no secrets, whatever is handed in (fields whose names say so are hidden,
 * long texts and lists are cut).
 */

export {
  type AuditEntry,
  type AuditRecord,
  type Author,
  type Change,
  type Changes,
  diff,
  isAuthor,
  type MaybeAuthor,
} from "./model.ts";
export { type AuditQuery, ensureAuditPartitions, listAudit, recordAudit } from "./service.ts";
export { auditRows } from "./store.ts";
