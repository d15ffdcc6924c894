/** Schemas as people read them: what the framework adds for its own use is left out. */

export type Schema = {
  type?: string;
  format?: string;
  pattern?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
};

const TEXTUAL = new Set(["integer", "numeric"]);

/**
 * A number is to the framework "a text that reads as one, or a number", since a query holds only texts; it lends bodies and
 * answers the same schema, where only the number is true. A query's texts are numbers to whoever reads the description.
 */
export function plainSchema(schema: Schema): Schema {
  const branches = schema.anyOf ?? [];
  const number = branches.find(one => one.type === "integer" || one.type === "number");
  const isLent = branches.some(one => one.type === "string" && TEXTUAL.has(one.format ?? ""));
  if (number && isLent) {
    const rest = branches.filter(one => !(one.type === "string" && TEXTUAL.has(one.format ?? "")));
    const { anyOf: _, ...own } = schema;
    if (rest.length === 1) return { ...own, ...number };
    return { ...own, anyOf: rest.map(plainSchema) };
  }
  // A time comes as a text; the framework's own branches of it are how it reads others.
  if (branches.some(one => one.type === "Date")) {
    const { anyOf: _, ...own } = schema;
    return { ...own, type: "string", format: "date-time" };
  }
  return mapped(schema);
}

function mapped(schema: Schema): Schema {
  const each = (record: Record<string, Schema>) =>
    Object.fromEntries(Object.entries(record).map(([name, inner]) => [name, plainSchema(inner)]));
  return {
    ...schema,
    ...(schema.properties && { properties: each(schema.properties) }),
    ...(schema.patternProperties && { patternProperties: each(schema.patternProperties) }),
    ...(typeof schema.additionalProperties === "object" && {
      additionalProperties: plainSchema(schema.additionalProperties),
    }),
    ...(schema.items && { items: plainSchema(schema.items) }),
    ...(schema.anyOf && { anyOf: schema.anyOf.map(plainSchema) }),
    ...(schema.oneOf && { oneOf: schema.oneOf.map(plainSchema) }),
    ...(schema.allOf && { allOf: schema.allOf.map(plainSchema) }),
  };
}
