import { afterAll, beforeAll, expect, test } from "bun:test";
import { type TestApi, testApi } from "../testing.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

async function errorsOf(method: string, path: string, json?: unknown) {
  const response = await api.request(method, path, { json, key: api.keys.publishable });
  expect(response.status).toBe(422);
  return ((await response.json()) as { errors: { path: string; message: string }[] }).errors;
}

test("a fault inside of an optional object is told where it is, not as a union", async () => {
  const created = await api.request("POST", "/store/carts", { json: {}, key: api.keys.publishable });
  const { id } = (await created.json()) as { id: string };
  const address = { name: "x".repeat(1_000), line1: "1", city: "a", postalCode: "1", country: "DE" };
  const errors = await errorsOf("PATCH", `/store/carts/${id}`, { shippingAddress: address });
  expect(errors.map(error => error.path)).toEqual(["shippingAddress.name"]);
  const [email] = await errorsOf("PATCH", `/store/carts/${id}`, { email: 7 });
  expect(email).toEqual({ path: "email", message: "Expected string" });
});

test("a word that is none of the allowed ones names them", async () => {
  const [sort] = await errorsOf("GET", "/store/products?sort=prettiest");
  expect(sort).toMatchObject({ path: "sort", message: expect.stringContaining("newest") });
});

test("what no column can hold is a fault of the request, not of ours", async () => {
  const paths = [
    "/ops/jobs?key=a%00b",
    `/ops/jobs?cursor=${"-".repeat(36)}`,
    "/ops/dead/a%00b",
    "/ops/dead?cursor=2020~x",
  ];
  for (const path of paths) {
    const response = await api.request("GET", path, { key: api.keys.ops });
    expect([path, response.status]).toEqual([path, 422]);
  }
});
