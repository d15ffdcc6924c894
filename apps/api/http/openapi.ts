/** The OpenAPI 3.1 description, made from the routes' own schemas, with what holds for all routes added in one place. */
import { toOpenAPISchema } from "@elysiajs/openapi";
import type { AnyElysia } from "elysia";
import { exampleOf } from "./openapi.examples.ts";
import { type Form, problemResponse, problemsOf } from "./openapi.problems.ts";
import {
  type Body,
  type Content,
  describedParameters,
  jsonBodies,
  operationKey,
  type Parameter,
} from "./openapi.routes.ts";
import { plainSchema } from "./openapi.schemas.ts";

const VERSION = "3.1.1";

type Answer = { description?: string; content?: Content };

type Operation = {
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: Body;
  security?: Record<string, string[]>[];
  responses?: Record<string, Answer>;
  [key: string]: unknown;
};

const schemes = {
  publishableKey: {
    type: "apiKey",
    in: "header",
    name: "x-publishable-key",
    description: "pk_…, binds the store",
  },
  secretKey: { type: "http", scheme: "bearer", description: "sk_…, a store's back office" },
  opsKey: { type: "http", scheme: "bearer", description: "op_…, the whole deployment" },
  customerSession: {
    type: "http",
    scheme: "bearer",
    description: "sess_…, a customer who is logged in; the cookie of `POST /store/sessions` does as well",
  },
};

const areaKeys: [prefix: string, scheme: keyof typeof schemes][] = [
  ["/store/", "publishableKey"],
  ["/admin/", "secretKey"],
  ["/ops/", "opsKey"],
  ["/console/events", "opsKey"],
  ["/console/mail/", "opsKey"],
];

const problemSchema = {
  type: "object",
  required: ["type", "title", "status", "detail", "code", "traceId"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "a stable snake_case word" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
    traceId: { type: "string" },
  },
};

const tags = [
  { name: "store", description: "Shop fronts, with a publishable key" },
  { name: "admin", description: "A store's back office, with a secret key" },
  { name: "ops", description: "Operators, with an ops key" },
  { name: "console", description: "Sessions of the web console" },
  { name: "system", description: "Health, metrics and this description" },
];

/** Routes that want a session beside the key. */
const ofCustomer = /^\/store\/(customers\/me|sessions\/current)/;

/** Headers that descriptions speak of. */
const headers: readonly Parameter[] = [
  { in: "header", name: "If-Match", schema: { type: "string", examples: ['"3"'] } },
  {
    in: "header",
    name: "Idempotency-Key",
    schema: { type: "string", minLength: 1, maxLength: 255, examples: ["order-4711"] },
  },
];

/** A header is required where the description says that the route wants it. */
function parametersOf({ summary = "", description = "", parameters = [] }: Operation): Parameter[] {
  const text = `${summary} ${description}`;
  const isTold = ({ name }: Parameter) => parameters.some(known => known.name === name);
  const spokenOf = headers
    .filter(one => text.includes(`\`${one.name}\``) && !isTold(one))
    .map(one => ({ ...one, required: new RegExp(`wants (a header )?\`${one.name}\``, "i").test(text) }));
  return [...parameters, ...spokenOf].map(one => ({ ...one, schema: plainSchema(one.schema) }));
}

/** With an example of JSON, by its schema. */
function exemplified(content: Content): Content {
  const entries = Object.entries(content).map(([type, told]) => {
    if (!told?.schema) return [type, told];
    const { schema, ...rest } = told;
    const plain = plainSchema(schema);
    const example = type === "application/json" ? { example: exampleOf(plain) } : {};
    return [type, { schema: plain, ...example, ...rest }];
  });
  return Object.fromEntries(entries);
}

const otherProblem = {
  description: "Any other problem (RFC 9457)",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

function responsesOf(operation: Operation, form: Form): Record<string, Answer> {
  const good = Object.entries(operation.responses ?? { 200: { description: "OK" } }).map(
    ([status, answer]) => [
      status,
      answer.content ? { ...answer, content: exemplified(answer.content) } : answer,
    ],
  );
  const bad = [...problemsOf(form)].map(([status, some]) => [status, problemResponse(status, some)]);
  return Object.fromEntries([...bad, ...good, ["default", otherProblem]]);
}

function complete(method: string, path: string, operation: Operation): Operation {
  const scheme = areaKeys.find(([prefix]) => path.startsWith(prefix))?.[1];
  const area = path.split("/")[1] ?? "";
  const { summary = "", description = "", requestBody } = operation;
  const parameters = parametersOf(operation);
  const form = {
    method,
    text: `${summary} ${description}`,
    scheme,
    hasParameters: parameters.length > 0,
    hasBody: requestBody !== undefined,
    hasForm: requestBody?.content["multipart/form-data"] !== undefined,
  };
  return {
    ...operation,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody: { ...requestBody, content: exemplified(requestBody.content) } } : {}),
    tags: operation.tags ?? (tags.some(tag => tag.name === area) ? [area] : ["system"]),
    ...(scheme
      ? { security: [{ [scheme]: [], ...(ofCustomer.test(path) ? { customerSession: [] } : {}) }] }
      : {}),
    responses: responsesOf(operation, form),
  };
}

export function openApiDocument(app: AnyElysia): object {
  const { paths, components } = toOpenAPISchema(app, { staticFile: false }, undefined, undefined, VERSION);
  const bodies = jsonBodies(app);
  const described = describedParameters(app);
  const toldOf = (key: string, { parameters = [] }: Operation) => {
    const isNew = (one: Parameter) =>
      !parameters.some(known => known.in === one.in && known.name === one.name);
    const all = [...parameters, ...(described.get(key) ?? []).filter(isNew)];
    const requestBody = bodies.get(key);
    return { ...(all.length > 0 ? { parameters: all } : {}), ...(requestBody ? { requestBody } : {}) };
  };
  const completed = Object.entries(paths).map(([path, operations]) => [
    // The root of a prefixed route file ends in a slash to Elysia, which takes both forms.
    path.replace(/(.)\/$/, "$1"),
    Object.fromEntries(
      Object.entries(operations as Record<string, Operation>).map(([method, one]) => [
        method,
        complete(method, path, { ...one, ...toldOf(operationKey(method, path), one) }),
      ]),
    ),
  ]);
  const document = {
    openapi: VERSION,
    info: {
      title: "Tradewind",
      version: "0.1.0",
      description:
        "Headless commerce. Money is an integer of minor units beside a currency; times are RFC 3339 UTC.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags,
    paths: Object.fromEntries(completed),
    components: {
      ...components,
      schemas: { ...components.schemas, Problem: problemSchema },
      securitySchemes: schemes,
    },
  };
  // Plain JSON, without TypeBox's symbols and the shell's own mark on response schemas.
  return JSON.parse(JSON.stringify(document, (key, value) => (key === "noValidate" ? undefined : value)));
}
