import type { Origin } from "../../bus/index.ts";

/** Before and after of one field; null where there was or is nothing. */
export type Change = { before: unknown; after: unknown };
export type Changes = Record<string, Change>;

/** Who writes, and by which route; made once per admin request (apps/api/http/admin.ts) and handed to use cases. */
export type Author = Origin & {
  /** Id of the key that was used, never the key itself. */
  actor: string;
  /** Method and pattern, such as `PATCH /admin/products/:id`. */
  route?: string | undefined;
};

/** Who writes, or only whose store it is: a seed or a test, which the log does not tell of. */
export type MaybeAuthor = Origin & Partial<Pick<Author, "actor" | "route">>;

export function isAuthor(origin: MaybeAuthor): origin is Author {
  return origin.actor !== undefined;
}

export type AuditRecord = Author & {
  /** What was done, a stable word: `create`, `update`, `delete`, `cancel`, `refund` … */
  action: string;
  /** What it was done to, singular: `product`, `category`, `order` … */
  entity: string;
  entityId: string;
  changes: Changes;
};

export type AuditEntry = {
  id: string;
  actor: string;
  action: string;
  entity: string;
  entityId: string;
  route: string | null;
  traceId: string | null;
  changes: Changes;
  at: Date;
};

/** What a text is cut to in the log: enough to see what happened, no second copy of the shop. */
const MAX_TEXT = 500;
const MAX_ITEMS = 50;
const MAX_DEPTH = 6;

/** Names of fields that hold or may hold personal data or secrets; their change is told, their content is not. */
const PERSONAL =
  /e-?mail|phone|address|^(first|last|full|given|family)_?name$|birth|passw|token|secret|iban|^note$|customer_?name/i;

const HIDDEN = "(hidden)";

/**
 * The fields that differ between two states of an entity. A field missing on one side counts as null. Say which fields
 * matter by what you hand in: ids and versions of the row itself belong elsewhere.
 */
export function diff(before: object | null, after: object | null): Changes {
  const [old, now] = [(before ?? {}) as Record<string, unknown>, (after ?? {}) as Record<string, unknown>];
  const fields = new Set([...Object.keys(old), ...Object.keys(now)]);
  const changes: Changes = {};
  for (const field of fields) {
    const change = { before: old[field] ?? null, after: now[field] ?? null };
    if (!Bun.deepEquals(change.before, change.after)) changes[field] = change;
  }
  return changes;
}

/** Changes as they are kept: bounded, and without the content of personal fields at any depth. */
export function presentable(changes: Changes): Changes {
  return Object.fromEntries(
    Object.entries(changes).map(([field, { before, after }]) => [
      field,
      { before: shown(field, before, 0), after: shown(field, after, 0) },
    ]),
  );
}

function shown(field: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined) return null;
  if (PERSONAL.test(field)) return HIDDEN;
  if (typeof value === "string") return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (typeof value !== "object" || value instanceof Date) return value;
  if (depth === MAX_DEPTH) return "…";
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(item => shown(field, item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shown(name, inner, depth + 1)]),
  );
}
