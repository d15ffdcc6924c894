/** For tests: whether an answer has fields that the API's description does not name. */
import type { TestApi } from "./testing.ts";

type Schema = {
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  required?: string[];
};

/** Paths of fields that are not in the schema, and of required ones that are missing. */
export function undocumented(value: unknown, schema: Schema, path = ""): string[] {
  if (schema.anyOf) {
    const results = schema.anyOf.map(one => undocumented(value, one, path));
    return results.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }
  if (Array.isArray(value)) {
    return schema.items ? value.flatMap((item, n) => undocumented(item, schema.items!, `${path}.${n}`)) : [];
  }
  if (value === null) return [];
  if (typeof value !== "object") return schema.properties ? [`${path} is no object`] : [];
  const isAny = !schema.properties && !schema.patternProperties && schema.additionalProperties === undefined;
  if (isAny) return [];
  const known = schema.properties ?? {};
  const open = Object.values(schema.patternProperties ?? {})[0] ?? schema.additionalProperties;
  const extra = Object.entries(value).flatMap(([name, inner]) => {
    const field = known[name];
    if (field) return undocumented(inner, field, `${path}.${name}`);
    return typeof open === "object"
      ? undocumented(inner, open, `${path}.${name}`)
      : open
        ? []
        : [`${path}.${name}`];
  });
  const missing = (schema.required ?? [])
    .filter(name => !(name in value))
    .map(name => `${path}.${name} is missing`);
  return [...extra, ...missing];
}

type Operation = { responses: Record<string, { content?: Record<string, { schema: Schema }> }> };
type Description = { paths: Record<string, Record<string, Operation>> };

/** Asks `api` for its description once; then checks answers by route. */
export async function documentedAnswers(api: TestApi) {
  const { paths } = (await (await api.request("GET", "/openapi.json")).json()) as Description;
  /** What is wrong with a body; `route` as in the description, such as `/admin/products/{id}`. */
  return (method: string, route: string, status: number, body: unknown): string[] => {
    const operation = paths[route]?.[method.toLowerCase()];
    const schema = operation?.responses[status]?.content?.["application/json"]?.schema;
    return schema ? undocumented(body, schema) : [`${method} ${route} ${status} is not described`];
  };
}
