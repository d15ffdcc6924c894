import type { TAny, TSchema } from "@sinclair/typebox";

/**
 * Response schemas by status, for the OpenAPI description. They describe JSON as it is sent (times are strings), while
 * handlers return objects (times are Dates), so they are hidden from the type of the handler.
 */
export function documented(schemas: Record<number, TSchema>): Record<number, TAny> {
  return schemas as Record<number, TAny>;
}
