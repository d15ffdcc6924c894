/** What the shell reads from, and writes to, Elysia's table of routes. */
import type { AnyElysia, TSchema } from "elysia";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

type Hooks = {
  response?: TSchema | Record<string, TSchema>;
  parse?: ({ fn?: unknown } | string)[] | string;
};

type Router = {
  router: {
    http: { find(method: string, path: string): unknown };
    static: Record<string, Record<string, number>>;
  };
};

function isSchema(value: TSchema | Record<string, TSchema>): value is TSchema {
  return typeof value !== "object" || "type" in value || "anyOf" in value || "$ref" in value;
}

/**
 * Response schemas document; they don't check. Elysia would copy and check every answer at run time (and send the data
 * of a mismatch to the caller); that answers have their documented shape is for tests to show.
 */
export function markDocumentedOnly(area: AnyElysia): void {
  for (const route of area.routes) {
    const hooks = route.hooks as Hooks;
    if (!hooks.response || typeof hooks.response !== "object") continue;
    hooks.response = isSchema(hooks.response)
      ? unchecked(hooks.response)
      : Object.fromEntries(
          Object.entries(hooks.response).map(([status, schema]) => [status, unchecked(schema)]),
        );
  }
}

function unchecked(schema: TSchema): TSchema {
  return typeof schema === "object" ? { ...schema, noValidate: true } : schema;
}

/** `METHOD /pattern` of the routes that read their body as a stream. */
export function streamedRoutes(area: AnyElysia): string[] {
  return area.routes
    .filter(({ hooks }) => {
      const { parse } = hooks as Hooks;
      const parsers = Array.isArray(parse) ? parse : parse === undefined ? [] : [parse];
      return parsers.some(one => one === "none" || (one as { fn?: unknown }).fn === "none");
    })
    .map(route => `${route.method} ${route.path}`);
}

/** The methods that a path takes, for a 405; empty when the path is unknown. */
export function allowedMethods(app: AnyElysia, path: string): string[] {
  const { http, static: fixed } = (app as unknown as Router).router;
  const found = METHODS.filter(
    method => fixed[path]?.[method] !== undefined || http.find(method, path) !== null,
  );
  return found.includes("GET") ? [...found, "HEAD"] : found;
}
