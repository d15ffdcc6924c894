import { t } from "elysia";
import { canaryStatuses, deadStatuses } from "../../../../bus/index.ts";
import { oneOf } from "../../http/one-of.ts";

/** Letters that one request replays or discards at most. */
export const MAX_LETTERS = 1_000;
/** A portion of a canary, and all its letters together. */
const MAX_PORTION = 500;
const MAX_CANARY = 100_000;

export const deadId = t.String({ minLength: 1, maxLength: 128, pattern: "^[!-~]+$" });
export const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
  cursor: t.Optional(t.String({ maxLength: 400 })),
};
const time = t.String({ format: "date-time" });
const kind = t.String({ minLength: 1, maxLength: 64 });
const fingerprint = t.String({ minLength: 1, maxLength: 128 });

export const filters = {
  kind: t.Optional(t.String({ maxLength: 64 })),
  fingerprint: t.Optional(t.String({ maxLength: 128 })),
  key: t.Optional(t.String({ maxLength: 200 })),
  storeId: t.Optional(t.String({ maxLength: 64 })),
};

export const listQuery = t.Object(
  {
    ...filters,
    status: t.Optional(oneOf(deadStatuses, { description: "default: open" })),
    canaryId: t.Optional(t.String({ format: "uuid" })),
    ...page,
  },
  { additionalProperties: false },
);

export const summary = {
  id: t.String(),
  jobId: t.Nullable(t.String()),
  kind: t.String(),
  version: t.Integer(),
  storeId: t.String(),
  key: t.String(),
  payload: t.Unknown(),
  reason: t.String({ description: "tries_used_up, failed, killed_worker or malformed" }),
  error: t.String(),
  fingerprint: t.String(),
  attempts: t.Integer(),
  traceparent: t.String(),
  diedAt: time,
  status: oneOf(deadStatuses),
  settledAt: t.Nullable(time),
  settledNote: t.Nullable(t.String()),
  replayedAs: t.Nullable(t.String()),
  edited: t.Boolean({ description: "replayed with another payload than it died with" }),
  canaryId: t.Nullable(t.String()),
};

export const tryView = t.Object({
  attempt: t.Integer(),
  startedAt: t.Nullable(time),
  endedAt: t.Nullable(time),
  outcome: t.Nullable(t.String()),
  error: t.Nullable(t.String()),
  worker: t.Nullable(t.String()),
  traceparent: t.String(),
});

export const letter = t.Object({
  ...summary,
  stack: t.Nullable(t.String()),
  raw: t.Nullable(t.String({ description: "body of a message that could not be read, base64" })),
  tries: t.Array(tryView),
  schema: t.Nullable(
    t.Unknown({
      description: "JSON Schema of the kind's payload, to edit it by; null for a kind that is gone",
    }),
  ),
});

export const group = t.Object({
  fingerprint: t.String(),
  kind: t.String(),
  count: t.Integer(),
  error: t.String({ description: "of the letter that died last" }),
  reason: t.String(),
  lastId: t.String(),
  firstDiedAt: time,
  lastDiedAt: time,
});

const which = {
  ids: t.Optional(t.Array(deadId, { minItems: 1, maxItems: MAX_LETTERS })),
  fingerprint: t.Optional(fingerprint),
  kind: t.Optional(kind),
};

export const replayBody = t.Object(
  {
    ...which,
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_LETTERS })),
    payload: t.Optional(t.Unknown({ description: "instead of each letter's own" })),
  },
  { additionalProperties: false, examples: [{ fingerprint: "3fa1c09b77d2e6a4", limit: 100 }] },
);

/** Why, for those who come later. Mail addresses and the like are taken out before it is kept. */
const reason = t.String({ minLength: 1, maxLength: 500, pattern: "\\S" });

export const discardBody = t.Object(
  { ...which, limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_LETTERS })), reason },
  {
    additionalProperties: false,
    examples: [{ fingerprint: "3fa1c09b77d2e6a4", reason: "orders of the load test" }],
  },
);

export const canaryBody = t.Object(
  {
    ...which,
    size: t.Optional(
      t.Integer({ minimum: 1, maximum: MAX_PORTION, description: "letters of the first portion; default 1" }),
    ),
    limit: t.Optional(
      t.Integer({ minimum: 1, maximum: MAX_CANARY, description: "most letters in all; default 10,000" }),
    ),
    carryOn: t.Optional(
      t.Boolean({ description: "go on by itself while portions end well; default false: wait to be told" }),
    ),
    stopOn: t.Optional(
      oneOf(["failed_try", "dead"], { description: "what counts as failing again; default failed_try" }),
    ),
    payload: t.Optional(t.Unknown({ description: "instead of each letter's own" })),
  },
  { additionalProperties: false, examples: [{ fingerprint: "3fa1c09b77d2e6a4", size: 5, carryOn: true }] },
);

export const canaryView = t.Object({
  id: t.String(),
  kind: t.Nullable(t.String()),
  fingerprint: t.Nullable(t.String()),
  ids: t.Nullable(t.Array(t.String())),
  status: oneOf(canaryStatuses),
  carryOn: t.Boolean(),
  stopOn: oneOf(["failed_try", "dead"]),
  portion: t.Integer({ description: "number of the portion that is out, from 1" }),
  portionSize: t.Integer(),
  limit: t.Integer(),
  payload: t.Unknown(),
  replayed: t.Integer(),
  succeeded: t.Integer(),
  failed: t.Integer(),
  stoppedBy: t.Nullable(oneOf(["failure", "payload", "operator"])),
  stoppedAt: t.Nullable(
    t.Object({ deadId: t.Nullable(t.String()), jobId: t.Nullable(t.String()), error: t.String() }),
  ),
  createdAt: time,
  changedAt: time,
  endedAt: t.Nullable(time),
});
