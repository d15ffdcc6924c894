/** The shapes of the import routes, as OpenAPI shows them. */

import { t } from "elysia";
import { oneOf } from "../../http/one-of.ts";

const status = oneOf(["queued", "running", "done", "failed"]);
const time = t.String({ format: "date-time" });

export const acceptedView = t.Object({ id: t.String(), status, href: t.String() });

export const importView = t.Object({
  id: t.String(),
  status,
  fileName: t.String(),
  inventory: oneOf(["new", "set"]),
  rows: t.Integer({ description: "read so far, blank ones left out" }),
  products: t.Integer({ description: "created, updated and unchanged ones" }),
  variants: t.Integer(),
  created: t.Integer(),
  updated: t.Integer(),
  unchanged: t.Integer(),
  errorCount: t.Integer({ description: "all bad cells; `errors` names the first 1,000" }),
  errors: t.Array(
    t.Object({
      row: t.Integer({ description: "as a spreadsheet counts: the header is row 1" }),
      column: t.String(),
      message: t.String(),
    }),
  ),
  reason: t.Nullable(t.String({ description: "why the file as a whole failed" })),
  createdAt: time,
  startedAt: t.Nullable(time),
  finishedAt: t.Nullable(time),
  href: t.String(),
});

/** For the description only: the form is read as a stream. */
export const importForm = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        required: ["file"],
        properties: { file: { type: "string" as const, format: "binary" } },
      },
    },
  },
};
