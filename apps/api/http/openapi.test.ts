import { afterAll, beforeAll, expect, test } from "bun:test";
import { Value } from "@sinclair/typebox/value";
import type { TSchema } from "elysia";
import { type TestApi, testApi } from "../testing.ts";
import { exampleOf } from "./openapi.examples.ts";
import { plainSchema, type Schema } from "./openapi.schemas.ts";

type Content = { schema: Schema; example?: unknown; examples?: Record<string, unknown> };
type Operation = {
  parameters?: { in: string; name: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { content?: Record<string, Content> }>;
};

let api: TestApi;
let operations: [name: string, operation: Operation][];
beforeAll(async () => {
  api = await testApi();
  const answer = await api.request("GET", "/openapi.json");
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, Operation>> };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]): [string, Operation] => [`${method} ${path}`, one]),
  );
});
afterAll(() => api.close());

const bodySchemas = () =>
  api.app.routes.flatMap(({ method, path, hooks }) => {
    const { body } = hooks as { body?: TSchema };
    return typeof body === "object" ? [[`${method} ${path}`, body] as const] : [];
  });

test("each body has an example, which is one that the route takes", () => {
  expect(bodySchemas().length).toBeGreaterThan(50);
  for (const [route, schema] of bodySchemas()) {
    const example = exampleOf(plainSchema(schema as Schema));
    expect([
      route,
      example,
      [...Value.Errors(schema, example)].map(one => `${one.path} ${one.message}`),
    ]).toEqual([route, example, []]);
  }
});

test("each JSON answer and each problem has an example, and no number is told as a text", () => {
  for (const [name, { responses, requestBody }] of operations) {
    for (const { content = {} } of [...Object.values(responses), requestBody ?? {}]) {
      if (content["application/json"])
        expect([name, content["application/json"].example]).not.toContain(undefined);
      const problems = content["application/problem+json"];
      if (problems?.examples) expect(Object.keys(problems.examples)).not.toHaveLength(0);
    }
    expect([name, /"format":"(integer|numeric)"/.test(JSON.stringify({ responses, requestBody }))]).toEqual([
      name,
      false,
    ]);
  }
});

test("a checkout tells its header, its errors and what is sent", () => {
  const [, checkout] = operations.find(([name]) => name === "post /store/carts/{id}/checkout")!;
  expect(checkout.parameters).toContainEqual(
    expect.objectContaining({ in: "header", name: "Idempotency-Key", required: true }),
  );
  const codes = Object.entries(checkout.responses).flatMap(([status, { content }]) =>
    Object.keys(content?.["application/problem+json"]?.examples ?? {}).map(code => `${status} ${code}`),
  );
  for (const code of [
    "400 idempotency_key_missing",
    "402 payment_declined",
    "409 out_of_stock",
    "429 queue_full",
  ])
    expect(codes).toContain(code);
  expect(checkout.requestBody!.content["application/json"]!.example).toEqual({
    payment: { provider: "test", token: "ok" },
  });
});
