/** What the OpenAPI document says can be asked, in the form that the generator needs. */

export type Schema = {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  patternProperties?: Readonly<Record<string, Schema>>;
};

export type Parameter = { name: string; in: "path" | "query" | "header"; required: boolean; schema: Schema };

export type Area = "store" | "admin" | "ops" | "console" | "open";

export type Operation = {
  readonly method: string;
  /** As in the document: `/store/carts/{id}`. */
  readonly path: string;
  readonly area: Area;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly type: string; readonly required: boolean; readonly schema: Schema };
};

type Described = {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
};

export type Description = { paths: Record<string, Record<string, Described>> };

const areas: readonly Area[] = ["store", "admin", "ops", "console"];

function areaOf(path: string): Area {
  return areas.find(area => path.startsWith(`/${area}/`)) ?? "open";
}

export function operationsOf({ paths }: Description): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const [type, content] = Object.entries(described.requestBody?.content ?? {})[0] ?? [];
      return {
        method: method.toUpperCase(),
        path,
        area: areaOf(path),
        parameters: described.parameters ?? [],
        ...(type && content
          ? { body: { type, required: described.requestBody!.required ?? false, schema: content.schema } }
          : {}),
      };
    }),
  );
}
