/** What the generator of the API's description does not find in the routes by itself. */
import { OptionalKind } from "@sinclair/typebox";
import type { AnyElysia, TSchema } from "elysia";
import type { Schema } from "./openapi.schemas.ts";

/** Some content has no schema: pages, files. */
export type Content = Record<string, { schema?: Schema; example?: unknown } | undefined>;
export type Parameter = { in: string; name: string; required?: boolean; schema: Schema };
export type Body = { required?: boolean; content: Content };

/** Parameters that a route describes by hand. The generator puts those that it finds itself in their place. */
export function describedParameters(app: AnyElysia): Map<string, Parameter[]> {
  const described = app.routes.flatMap(({ method, path, hooks }) => {
    const { parameters } = (hooks as { detail?: { parameters?: Parameter[] } }).detail ?? {};
    return parameters ? [[operationKey(method, path), parameters] as const] : [];
  });
  return new Map(described);
}

/** `POST /admin/products` in the notation of the description. */
export const operationKey = (method: string, path: string) =>
  `${method.toUpperCase()} ${path.replace(/(.)\/$/, "$1").replaceAll(/:(\w+)/g, "{$1}")}`;

/** The JSON that routes take. The generator sees the shell's own parser on each route and leaves the content empty. */
export function jsonBodies(app: AnyElysia): Map<string, Body> {
  const bodies = new Map<string, Body>();
  for (const { method, path, hooks } of app.routes) {
    const schema = (hooks as { body?: TSchema & { [OptionalKind]?: unknown } }).body;
    if (typeof schema !== "object") continue;
    const required = schema[OptionalKind] === undefined;
    bodies.set(operationKey(method, path), {
      required,
      content: { "application/json": { schema: schema as Schema } },
    });
  }
  return bodies;
}
